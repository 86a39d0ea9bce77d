package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/retentionsql"
)

var update = flag.Bool("update", false, "write the golden stories anew")

// TestMain makes the folder that most tests begin with, and the other program:
// both take a while.
func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		panic(err)
	}
	judge = filepath.Join(dir, "auditverify")
	told = filepath.Join(dir, "told")
	status := 1
	if out, err := exec.Command("go", "build", "-o", judge, "../auditverify").CombinedOutput(); err != nil {
		os.Stderr.Write(out)
	} else if err := run(context.Background(), []string{"-dir", told}, &firstStory); err != nil {
		fmt.Fprintf(os.Stderr, "%s\nthe first run: %v\n", firstStory.String(), err)
	} else {
		status = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(status)
}

var (
	// judge is the program that verifies what this one leaves.
	judge string
	// told is what the first run left, and firstStory what it said.
	told       string
	firstStory strings.Builder
)

// tampered is for tests that end a story early: what they run is in the other stories too,
// where the race detector has seen it.
func unwatched(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("its story was watched for races already")
	}
}

// toldOnce returns a copy of what the first run left.
func toldOnce(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(dir, os.DirFS(told)))
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600) // copies are open to other users, which secrets must not be
	}))
	return dir
}

// TestRun_TellsItsStory runs the program twice on one folder and compares what
// it says with the golden stories.
func TestRun_TellsItsStory(t *testing.T) {
	compare(t, filepath.Join("testdata", "first.txt"), steady(firstStory.String(), told))
	dir := toldOnce(t)
	requireProof(t, dir)
	requireReceipt(t, dir)
	requireCertificate(t, dir)
	key, err := os.ReadFile(filepath.Join(dir, "trail.pub"))
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out), "%s", &out)
	compare(t, filepath.Join("testdata", "second.txt"), steady(out.String(), dir))
	requireProof(t, dir)
	requireReceipt(t, dir)
	again, err := os.ReadFile(filepath.Join(dir, "trail.pub"))
	require.NoError(t, err)
	require.Equal(t, string(key), string(again), "the log goes on under the same key")
}

// requireProof has the other program judge what this one left.
func requireProof(t *testing.T, dir string) {
	t.Helper()
	out, err := verify(t, dir, "erasure.proof")
	require.NoError(t, err, out)
	require.Contains(t, out, "erasure.proof: holds\n  act        vault.shred, done\n")
}

func verify(t *testing.T, dir, file string) (string, error) {
	cmd := exec.CommandContext(t.Context(), judge, "-key", filepath.Join(dir, "trail.pub"), filepath.Join(dir, file))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// requireReceipt has the other program judge the receipt, as it is and with a
// date, a purpose or a title in it changed.
func requireReceipt(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "receipt.json")
	out, err := verify(t, dir, "receipt.json")
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
		out, err := verify(t, dir, "receipt.json")
		require.Error(t, err, "%s: %s", edit.from, out)
		require.Contains(t, out, "DOES NOT HOLD", edit.from)
	}
}

// requireCertificate has the other program judge the certificate of the erasure, as it is
// and with a date, a count or an outcome in it changed.
func requireCertificate(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "certificate.json")
	out, err := verify(t, dir, "certificate.json")
	require.NoError(t, err, out)
	require.Contains(t, out, "certificate.json: holds\n")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, os.WriteFile(path, whole, 0o600)) }()
	year := regexp.MustCompile(`"20\d\d-`).FindString(string(whole))
	require.NotEmpty(t, year)
	for _, edit := range []struct{ from, to string }{{year, `"1999-`}, {`"records": 2`, `"records": 3`}, {`pending`, `done`}} {
		require.Contains(t, string(whole), edit.from)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(whole), edit.from, edit.to, 1)), 0o600))
		out, err := verify(t, dir, "certificate.json")
		require.Error(t, err, "%s: %s", edit.from, out)
		require.Contains(t, out, "DOES NOT HOLD", edit.from)
	}
}

// TestRun_NoticesAChangedTrail changes one byte in the database itself.
func TestRun_NoticesAChangedTrail(t *testing.T) {
	unwatched(t)
	dir := toldOnce(t)
	var out strings.Builder
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

// TestRun_GoesOnWhereAKilledRunSwept: what a sweep had that was killed is another's until its
// lease is over, and the story waits for that.
func TestRun_GoesOnWhereAKilledRunSwept(t *testing.T) {
	unwatched(t)
	dir := toldOnce(t)
	var out strings.Builder
	db, dialect, err := connect(dir, "")
	require.NoError(t, err)
	h, err := sqlstore.Open(t.Context(), db, dialect)
	require.NoError(t, err)
	store, err := retentionsql.New(t.Context(), h)
	require.NoError(t, err)
	for lane := range 8 {
		_, claimed, err := store.ClaimLease(t.Context(), fmt.Sprintf("sweep/%d", lane), "killed", 3*time.Second)
		require.NoError(t, err)
		require.True(t, claimed)
	}
	require.NoError(t, h.Close())
	require.NoError(t, db.Close())
	require.NoError(t, run(t.Context(), []string{"-dir", dir}, &out), "%s", &out)
	require.Contains(t, out.String(), "release the hold; nobody, its row is gone")
}

// TestRun_FailsWithoutItsSecrets takes the key-encryption key away: nothing may
// look like success then.
func TestRun_FailsWithoutItsSecrets(t *testing.T) {
	dir := toldOnce(t)
	var out strings.Builder
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "secrets")))
	require.ErrorContains(t, run(t.Context(), []string{"-dir", dir}, &out), "key-encryption key")
}

// TestRun_NoticesAChangedRow changes one byte of the row that it shows.
func TestRun_NoticesAChangedRow(t *testing.T) {
	unwatched(t)
	dir := toldOnce(t)
	var out strings.Builder
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
	{regexp.MustCompile(`/u/[-\w]+`), "/u/<random>"},
	{regexp.MustCompile(`(is to have it before )\d{4}-\d\d-\d\d`), "$1<day>"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "<name>"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`), "<id>"},
	{regexp.MustCompile(`(person|about|commitments|terms|document|event|receipt|archive|manifest|certificate)([ =])[0-9a-f]{8}\b`), "$1$2<random>"},
	// What the engine does beside the story is evidence too, at a time of its own.
	{regexp.MustCompile(`(log \S+: )\d+( entries)`), "$1<n>$2"},
	{regexp.MustCompile(`(entry, index )\d+`), "$1<n>"},
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
