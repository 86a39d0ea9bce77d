package vault_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/vault"
)

// journalVectors are one line, one journal file and one backup of the key tables.
type journalVectors struct {
	// PlatformRoot is the secret of the platform's index root; the keys are
	// derived from it.
	PlatformRoot hexBytes `json:"platformRoot"`
	NamesKey     hexBytes `json:"namesKey"`
	LinesKey     hexBytes `json:"linesKey"`
	BackupsKey   hexBytes `json:"keyBackupsKey"`
	Tenant       string   `json:"tenant"`
	Subject      string   `json:"subject"`
	Spared       []string `json:"spared"`
	Entry        hexBytes `json:"entry"`
	At           int64    `json:"at"`
	Digest       hexBytes `json:"digest"`
	Line         hexBytes `json:"line"`
	File         string   `json:"file"`
	Backup       hexBytes `json:"backup"`
}

const journalVectorFile = "testdata/journal.json"

// TestFormat_JournalByTheDocumentation reads the vectors by docs/formats/vault.md
// alone.
func TestFormat_JournalByTheDocumentation(t *testing.T) {
	x := readJournalVectors(t)
	info := func(id string) string {
		b := canon.AppendText(canon.AppendDomain(nil, "troth.vault.mac/1"), "vault.journal")
		return string(canon.AppendText(b, id))
	}
	require.Equal(t, x.NamesKey, hexBytes(expand(t, x.PlatformRoot, info("names"))))
	require.Equal(t, x.LinesKey, hexBytes(expand(t, x.PlatformRoot, info("lines"))))
	require.Equal(t, x.BackupsKey, hexBytes(expand(t, x.PlatformRoot, info("key-backups"))))

	name := func(parts ...string) []byte {
		b := canon.AppendDomain(nil, "troth.vault.erasure-name/1")
		for _, p := range parts {
			b = canon.AppendText(b, p)
		}
		return mac(x.NamesKey, b)
	}
	var parts [][]byte
	for _, c := range x.Spared {
		parts = append(parts, name(x.Tenant, x.Subject, c))
	}
	if bytes.Compare(parts[0], parts[1]) > 0 {
		parts[0], parts[1] = parts[1], parts[0]
	}
	line := canon.AppendDomain(nil, "troth.vault.erasure/1")
	line = canon.AppendBytes(line, x.Entry)
	line = canon.AppendInt(line, x.At)
	line = canon.AppendText(line, "subject")
	line = canon.AppendBytes(line, name(x.Tenant, x.Subject))
	line = canon.AppendList(line, len(parts))
	for _, p := range parts {
		line = canon.AppendBytes(line, p)
	}
	line = canon.AppendBytes(line, x.Digest)
	line = canon.AppendBytes(line, mac(x.LinesKey, line))
	require.Equal(t, x.Line, hexBytes(line))

	header, record, found := strings.Cut(x.File, "\n")
	require.True(t, found)
	require.True(t, strings.HasPrefix(header, "troth erasure journal 1 "))
	before := sha256.Sum256([]byte(header + "\n"))
	chain := canon.AppendBytes(canon.AppendDomain(nil, "troth.vault.journal-record/1"), before[:])
	chain = canon.AppendBytes(canon.AppendList(chain, 1), line)
	sum := sha256.Sum256(chain)
	require.Equal(t, hex.EncodeToString(sum[:])+" "+base64.RawStdEncoding.EncodeToString(line)+"\n", record)

	readBackupVector(t, x)
}

// readBackupVector walks over the messages of a backup.
func readBackupVector(t *testing.T, x *journalVectors) {
	t.Helper()
	var domains []string
	rest, end := []byte(x.Backup), 0
	for len(rest) > 0 {
		n := binary.BigEndian.Uint32(rest)
		m, err := canon.Parse(rest[4 : 4+n])
		require.NoError(t, err)
		domains = append(domains, m.Domain)
		if m.Domain == "troth.vault.keys.end/1" {
			end = len(x.Backup) - len(rest)
			digest := sha256.Sum256(x.Backup[:end])
			require.Equal(t, digest[:], m.Fields[5].Bytes)
			tag := m.Fields[6].Bytes
			m.Fields = m.Fields[:6]
			require.Equal(t, mac(x.BackupsKey, m.Append(nil)), tag)
			var counts []uint64
			for _, f := range m.Fields[:5] {
				counts = append(counts, f.Uint)
			}
			require.Equal(t, []uint64{0, 3, 3, 1, 1}, counts, "epochs, roots, controls, people, keys")
		}
		rest = rest[4+n:]
	}
	require.Equal(t, []string{
		"troth.vault.keys/1", "troth.vault.keys.root/1", "troth.vault.keys.root/1", "troth.vault.keys.export/1",
		"troth.vault.keys.restriction/1", "troth.vault.keys.grant/1", "troth.vault.keys.person/1", "troth.vault.keys.key/1",
		"troth.vault.keys.root/1", "troth.vault.keys.end/1",
	}, domains)
	require.NotZero(t, end)
}

// TestFormat_VaultReadsTheJournalVectors: a vault takes the file for its journal,
// and the backup for its keys.
func TestFormat_VaultReadsTheJournalVectors(t *testing.T) {
	x := readJournalVectors(t)
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, []byte(x.File), 0o600))
	w := newWorld(t)
	c := w.config()
	c.Journal = openJournalFile(t, path)
	v, err := vault.Open(w.ctx, c, vault.ForReplay())
	require.NoError(t, err)
	w.restoreKeys(v, x.Backup)
	done, err := v.Replay(w.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Replayed{Lines: 1, Missing: 1, People: 1, Keys: 1}, done)
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

func readJournalVectors(t *testing.T) *journalVectors {
	t.Helper()
	if *updateVectors {
		writeJournalVectors(t)
	}
	b, err := os.ReadFile(journalVectorFile)
	require.NoError(t, err)
	x := &journalVectors{}
	require.NoError(t, json.Unmarshal(b, x))
	return x
}

// writeJournalVectors lets a vault make one of everything.
func writeJournalVectors(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	path, j := newJournalFile(t)
	at := emailOf(shop, "42", profile)
	before := w.vault()
	w.seal(before, at, "ada@example.org")
	limit, err := before.Restrict(w.ctx, restriction("42", claims))
	require.NoError(t, err)
	_, err = before.Grant(w.ctx, grantFor(limit))
	require.NoError(t, err)
	left := exportOf(at)
	left.Ground = string(claims)
	_, err = before.InsecureExportCleartextKeyset(w.ctx, token, left)
	require.NoError(t, err)
	c := w.config()
	c.Journal = j
	v, err := vault.Open(w.ctx, c, vault.Unmanaged("tests"))
	require.NoError(t, err)
	x := &journalVectors{Tenant: string(shop), Subject: "42", Spared: []string{"invoice", "~pseudonym"}}
	_, x.Backup = w.backUpKeys(v)
	target := personOf(shop, "42")
	target.Except = append(target.Except, invoice)
	r := w.shred(v, target)
	require.NoError(t, v.PumpJournal(w.ctx))
	digest := r.Digest()
	x.Entry, x.Digest = r.Entry[:], digest[:]
	row, found, err := w.store.Line(w.ctx, shop, r.Entry)
	require.NoError(t, err)
	require.True(t, found)
	x.Line, x.At = row.Line, row.At
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	x.File = string(file)
	root := rootRecord(t, make([]byte, 32), w.rootRow(troth.Platform, vault.IndexLineage))
	x.PlatformRoot = root.Secret
	b := canon.AppendText(canon.AppendDomain(nil, "troth.vault.mac/1"), "vault.journal")
	x.NamesKey = expand(t, x.PlatformRoot, string(canon.AppendText(bytes.Clone(b), "names")))
	x.LinesKey = expand(t, x.PlatformRoot, string(canon.AppendText(bytes.Clone(b), "lines")))
	x.BackupsKey = expand(t, x.PlatformRoot, string(canon.AppendText(bytes.Clone(b), "key-backups")))
	text, err := json.MarshalIndent(x, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(journalVectorFile, append(text, '\n'), 0o600))
}
