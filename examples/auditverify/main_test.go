package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestRun_Transcripts runs the command in the first line of each file in
// testdata, in the folder of the bundles, and compares status and output with
// the rest.
func TestRun_Transcripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	statuses := map[int]bool{}
	for i, path := range paths {
		paths[i], err = filepath.Abs(path)
		require.NoError(t, err)
	}
	t.Chdir(bundles)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			command, _, _ := strings.Cut(string(want), "\n")
			var out, errs strings.Builder
			status := run(arguments(t, command), &out, &errs)
			statuses[status] = true
			got := fmt.Sprintf("%s\nexit %d\n%s%s", command, status, out.String(), errs.String())
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
				return
			}
			assert.Equal(t, string(want), got)
		})
	}
	require.Equal(t, map[int]bool{holds: true, holdsNot: true, unreadable: true}, statuses)
}

func arguments(t *testing.T, command string) []string {
	t.Helper()
	args, ok := strings.CutPrefix(command, "$ auditverify")
	require.True(t, ok, command)
	ps, err := os.ReadFile("pseudonym")
	require.NoError(t, err)
	return strings.Fields(strings.ReplaceAll(args, "$PSEUDONYM", string(ps)))
}

// TestJudge_NoByteCanChange changes every byte of a file of each kind, in three
// ways, and cuts it off there.
func TestJudge_NoByteCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	// What a file may be without: a witness's line, and the end of a line.
	mayEnd := map[string]func(rest []byte) bool{
		"witnessed.proof": func(rest []byte) bool { return bytes.HasPrefix(rest, []byte("— "+witnessName)) },
		"opening.txt":     func(rest []byte) bool { return string(rest) == "\n" },
	}
	for _, name := range []string{
		"entry.proof", "witnessed.proof", "grown.proof", "nothing.proof", "tenant.export", "latest.checkpoint", "opening.txt",
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := os.ReadFile(filepath.Join(bundles, name))
			require.NoError(t, err)
			fresh := reader(t, name != "nothing.proof")
			status := func(b []byte) int {
				v := *fresh
				_, err := v.judge(bytes.NewReader(b))
				return statusOf(err)
			}
			require.Equal(t, holds, status(whole))
			for i := range whole {
				if i%slowdown != 0 {
					continue
				}
				for _, change := range []byte{0x01, 0x20, 0x80} {
					b := bytes.Clone(whole)
					b[i] ^= change
					require.NotEqual(t, holds, status(b), "byte %d ^ %#x", i, change)
				}
				if may := mayEnd[name]; may == nil || !may(whole[i:]) {
					require.NotEqual(t, holds, status(whole[:i]), "cut off at byte %d", i)
				}
			}
		})
	}
}

// reader is a call of the program that has read its flags.
func reader(t *testing.T, trusts bool) *verifier {
	t.Helper()
	v := &verifier{}
	require.NoError(t, v.readKeys(filepath.Join(bundles, "witnessed.pub")))
	ps, err := os.ReadFile(filepath.Join(bundles, "pseudonym"))
	require.NoError(t, err)
	require.NoError(t, v.readPseudonym(strings.TrimSpace(string(ps))))
	if trusts {
		require.NoError(t, v.readTrusted(filepath.Join(bundles, "old.checkpoint")))
	}
	return v
}

// TestJudge_FilesThatAreTooLong: a file without an end must not fill the memory.
func TestJudge_FilesThatAreTooLong(t *testing.T) {
	v := reader(t, false)
	for _, begin := range []string{"c2sp.org/tlog-proof@v1\n", "old 1\n", "name\n1\n", "troth.audit.opening/1 ", "troth.audit.tenant/1\ntenant "} {
		_, err := v.judge(strings.NewReader(begin + strings.Repeat("A", 2*maxFile)))
		assert.Equal(t, unreadable, statusOf(err), begin)
	}
}

func TestPlain_QuotesWhatATerminalWouldObey(t *testing.T) {
	assert.Equal(t, "acme", plain("acme"))
	assert.Equal(t, `""`, plain(""))
	assert.Equal(t, `"a b"`, plain("a b"))
	assert.Equal(t, `"\x1b[2J"`, plain("\x1b[2J"))
	assert.Equal(t, `"\u202eacme"`, plain("\u202eacme"))
}

func TestStatusOf(t *testing.T) {
	assert.Equal(t, holdsNot, statusOf(&audit.KeyError{Name: "x", Err: audit.ErrSignature}))
	assert.Equal(t, holdsNot, statusOf(&audit.KeyError{Name: "x", Err: audit.ErrKeySizes}))
	assert.Equal(t, unreadable, statusOf(&audit.KeyError{Name: "x", Err: audit.ErrUnknownKey}))
	assert.Equal(t, unreadable, statusOf(os.ErrNotExist))
}
