package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden stories anew")

// TestRun_TellsItsStory runs the program twice on one folder and compares what
// it says with the golden stories.
func TestRun_TellsItsStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var keys []string
	for _, golden := range []string{"first", "second"} {
		var out strings.Builder
		require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out), "%s run:\n%s", golden, out.String())
		compare(t, filepath.Join("testdata", golden+".txt"), steady(out.String(), dir))
		requireProof(t, dir)
		requireReceipt(t, dir)
		key, err := os.ReadFile(filepath.Join(dir, "trail.pub"))
		require.NoError(t, err)
		keys = append(keys, string(key))
	}
	require.Equal(t, keys[0], keys[1], "the log goes on under the same key")
}

// requireProof has the other program judge what this one left.
func requireProof(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "../auditverify",
		"-key", filepath.Join(dir, "trail.pub"), filepath.Join(dir, "erasure.proof"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "erasure.proof: holds\n  act        vault.shred, done\n")
}

// requireReceipt has the other program judge the receipt, as it is and with a
// date, a purpose or a title in it changed.
func requireReceipt(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "receipt.json")
	judge := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", "run", "../auditverify", "-key", filepath.Join(dir, "trail.pub"), path)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := judge()
	require.NoError(t, err, out)
	require.Contains(t, out, "receipt.json: holds\n")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, os.WriteFile(path, whole, 0o600)) }()
	year := regexp.MustCompile(`"20\d\d-`).FindString(string(whole))
	require.NotEmpty(t, year)
	for _, edit := range []struct{ from, to string }{{year, `"1999-`}, {`newsletter`, `everything`}, {`monthly`, `daily`}} {
		require.Contains(t, string(whole), edit.from)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(whole), edit.from, edit.to, 1)), 0o600))
		out, err := judge()
		require.Error(t, err, "%s: %s", edit.from, out)
		require.Contains(t, out, "DOES NOT HOLD", edit.from)
	}
}

// TestRun_NoticesAChangedTrail changes one byte in the database itself.
func TestRun_NoticesAChangedTrail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out))
	db, _, err := connect(dir, "")
	require.NoError(t, err)
	var leaf []byte
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT leaf FROM troth_audit_entry WHERE idx = 0").Scan(&leaf))
	leaf[len(leaf)-1] ^= 1
	_, err = db.ExecContext(t.Context(), "UPDATE troth_audit_entry SET leaf = $1 WHERE idx = 0", leaf)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.ErrorContains(t, run(t.Context(), []string{"-dir", dir}, &out), "index 0")
}

// TestRun_FailsWithoutItsSecrets takes the key-encryption key away: nothing may
// look like success then.
func TestRun_FailsWithoutItsSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "secrets")))
	require.ErrorContains(t, run(t.Context(), []string{"-dir", dir}, &out), "key-encryption key")
}

// TestRun_NoticesAChangedRow changes one byte of the row that it shows.
func TestRun_NoticesAChangedRow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out))
	db, _, err := connect(dir, "")
	require.NoError(t, err)
	s := &shop{db: db}
	c, err := s.row(t.Context(), shown)
	require.NoError(t, err)
	c.fields[0][20] ^= 1
	_, err = s.db.ExecContext(t.Context(), "UPDATE customer SET name = $1 WHERE shop = $2 AND id = $3", c.fields[0], ours, shown)
	require.NoError(t, err)
	require.NoError(t, s.db.Close())
	require.ErrorContains(t, run(t.Context(), []string{"-dir", dir}, &out), "value does not open")
}

func TestRun_RefusesUnknownFlags(t *testing.T) {
	require.ErrorIs(t, run(t.Context(), []string{"-nonsense"}, &strings.Builder{}), flag.ErrHelp)
}

// What differs from run to run: random bytes, instants, ids and pseudonyms.
var steadiers = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`01[0-9a-f]{30}…`), "01<random>…"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), "<instant>"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`), "<id>"},
	{regexp.MustCompile(`(person|about|commitments|terms|document|event|receipt)([ =])[0-9a-f]{8}\b`), "$1$2<random>"},
}

func steady(story, dir string) string {
	story = strings.ReplaceAll(story, dir, "<dir>")
	for _, s := range steadiers {
		story = s.from.ReplaceAllString(story, s.to)
	}
	return story
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
