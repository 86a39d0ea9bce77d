package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

var update = flag.Bool("update", false, "write the golden files again")

// call runs the program and returns what it printed.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(args, &out, &errs, time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))
	return code, out.String(), errs.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, name)
}

func files(t *testing.T, pattern string, least int) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(paths), least)
	return paths
}

func TestLint_TheWorkedPoliciesAreClean(t *testing.T) {
	code, out, errs := call(files(t, "../policies/*.yaml", 4)...)
	require.Empty(t, errs)
	require.Equal(t, clean, code)
	golden(t, "clean.txt", out)
}

// Each broken variant has findings, and nothing but them is different.
func TestLint_TheVariantsAreNot(t *testing.T) {
	var all strings.Builder
	for _, path := range files(t, "testdata/*-*.yaml", 8) {
		code, out, errs := call(path)
		require.Empty(t, errs, path)
		require.Equal(t, findings, code, path)
		require.Contains(t, out, "FINDING", path)
		for line := range strings.Lines(out) {
			if strings.Contains(strings.ToLower(line), "finding") {
				all.WriteString(line)
			}
		}
	}
	golden(t, "findings.txt", all.String())
}

func TestLint_TheWorstOfSeveralFilesDecides(t *testing.T) {
	code, out, errs := call("../policies/dropship.yaml", "testdata/dropship-backups.yaml", "testdata/unreadable.yaml")
	require.Equal(t, unreadable, code)
	require.Contains(t, out, "dropship.yaml: clean")
	require.Contains(t, out, "dropship-backups.yaml: 3 findings")
	require.Contains(t, errs, "testdata/unreadable.yaml: retention: policy")
	code, _, _ = call("../policies/dropship.yaml", "testdata/dropship-backups.yaml")
	require.Equal(t, findings, code)
}

func TestLint_JSON(t *testing.T) {
	text, err := os.ReadFile("../policies/dropship.yaml")
	require.NoError(t, err)
	p, err := retention.ParseYAML(text)
	require.NoError(t, err)
	text, err = json.Marshal(p)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "p.JSON")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	code, out, errs := call(path)
	require.Equal(t, clean, code, errs)
	require.Contains(t, out, "slack 2")
}

func TestLint_ReviewsAndTypes(t *testing.T) {
	code, out, _ := call("-on", "2027-06-02", "../policies/anomaly.yaml")
	require.Equal(t, findings, code)
	require.Contains(t, out, "FINDING review-overdue tax-payments: was to be looked at by 2027-06-01\n")
	code, out, _ = call("-types", "upload,avatar", "../policies/anomaly.yaml")
	require.Equal(t, findings, code)
	require.Contains(t, out, "FINDING type-unclassed avatar: ")
	require.NotContains(t, out, "type-unclassed upload")
}

func TestExplain(t *testing.T) {
	for name, args := range map[string]string{
		"explain-trashed.txt":   "-explain content -event trashed=2026-01-31",
		"explain-cancelled.txt": "-explain content -event trashed=2026-01-31 -event account.closed=2026-02-10",
		"explain-late.txt":      "-explain content -event trashed=2026-01-31 -event account.closed=2026-03-20",
		"explain-active.txt":    "-explain content -event created=2026-01-31",
		"explain-billing.txt":   "-explain billing -event invoice.issued=2026-01-31 -event account.closed=2026-02-10",
	} {
		code, out, errs := call(append(strings.Fields(args), "../policies/dropship.yaml")...)
		require.Equal(t, clean, code, errs)
		golden(t, name, out)
	}
}

func TestRun_RefusesWrongCalls(t *testing.T) {
	for name, args := range map[string]string{
		"nothing":             "",
		"an unknown flag":     "-verbose x",
		"a day of no form":    "-on tomorrow x",
		"explain nothing":     "-explain content ../policies/dropship.yaml",
		"events of no class":  "-event trashed=2026-01-31 ../policies/dropship.yaml",
		"an event of no day":  "-explain content -event trashed ../policies/dropship.yaml",
		"an event of no date": "-explain content -event trashed=2026-02-30 ../policies/dropship.yaml",
		"an unknown event":    "-explain content -event binned=2026-01-31 ../policies/dropship.yaml",
		"an unknown class":    "-explain files -event trashed=2026-01-31 ../policies/dropship.yaml",
		"a zero class":        "-explain identity-proof -event created=2026-01-31 ../policies/dropship.yaml",
		"a missing file":      "testdata/none.yaml",
		"a directory":         "testdata",
		"an unreadable file":  "testdata/unreadable.yaml",
		"YAML as JSON":        "testdata/clean.txt",
	} {
		code, _, errs := call(strings.Fields(args)...)
		require.Equal(t, unreadable, code, name)
		require.NotEmpty(t, errs, name)
	}
}
