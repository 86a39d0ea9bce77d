package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unfold undoes what RFC 5545, section 3.1, does to long lines.
func unfold(text string) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n ", ""), "\r\n"), "\r\n")
}

func TestICS_FollowsRFC5545(t *testing.T) {
	for _, args := range []string{
		"-rule gdpr.access.respond -from 2026-01-31 -extend -ics",
		"-rule lgpd.breach.authority -from 2026-05-01 -ics", // its source is not ASCII
		"-rule gdpr.breach.authority -from 2026-04-03T09:10:00Z -ics",
		"-rule casl.optout.link -from 2026-01-31 -ics",
	} {
		_, text, _ := call(strings.Fields(args)...)
		require.True(t, strings.HasSuffix(text, "\r\n"))
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			require.LessOrEqual(t, len(line), 75, "section 3.1")
			require.NotContains(t, line, "\n")
			require.True(t, utf8.ValidString(line), "folded inside a character: %q", line)
		}
		var open []string
		count := map[string]int{}
		for _, line := range unfold(text) {
			name, value, ok := strings.Cut(line, ":")
			require.True(t, ok, line)
			switch name {
			case "BEGIN":
				open = append(open, value)
			case "END":
				require.Equal(t, open[len(open)-1], value)
				open = open[:len(open)-1]
			}
			count[strings.Join(append(open, name), ".")]++
			if name == "SUMMARY" || name == "DESCRIPTION" {
				require.NotRegexp(t, `(^|[^\\])[,;]`, value, "section 3.3.11")
			}
		}
		require.Empty(t, open)
		events := count["VCALENDAR.VEVENT.BEGIN"]
		for _, name := range []string{"UID", "DTSTAMP", "SUMMARY", "DESCRIPTION"} {
			require.Equal(t, events, count["VCALENDAR.VEVENT."+name], name)
		}
		require.Equal(t, events, count["VCALENDAR.VEVENT.DTSTART;VALUE=DATE"]+count["VCALENDAR.VEVENT.DTSTART"])
		for _, name := range []string{"BEGIN", "ACTION", "TRIGGER", "DESCRIPTION"} {
			require.Equal(t, 2*events, count["VCALENDAR.VEVENT.VALARM."+name], name)
		}
		require.Equal(t, 1, count["VCALENDAR.VERSION"]*count["VCALENDAR.PRODID"])
	}
}

func uids(text string) (list []string) {
	for _, line := range unfold(text) {
		if uid, ok := strings.CutPrefix(line, "UID:"); ok {
			list = append(list, uid)
		}
	}
	return list
}

// Asked again with more events, the same entries move; another request has
// entries of its own.
func TestICS_UIDsAreStable(t *testing.T) {
	ask := func(args string) []string {
		code, text, errs := call(strings.Fields(args)...)
		require.Equal(t, exitOK, code, errs)
		return uids(text)
	}
	first := ask("-rule gdpr.access.respond -from 2026-01-31 -ics")
	require.Len(t, first, 2)
	assert.NotEqual(t, first[0], first[1])
	assert.Equal(t, first, ask("-rule gdpr.access.respond -from 2026-01-31 -extend -ics"))
	assert.Equal(t, first, ask("-rule gdpr.access.respond -from 2026-01-31 -calendar weekdays -event identity-asked=2026-02-02 -ics"))
	seen := map[string]bool{first[0]: true, first[1]: true}
	for _, other := range []string{
		"-rule gdpr.access.respond -from 2026-02-01 -ics", "-rule gdpr.erasure.respond -from 2026-01-31 -ics",
		"-rule gdpr.access.respond -from 2026-01-31 -ref second -ics",
	} {
		for _, uid := range ask(other) {
			assert.False(t, seen[uid], other)
			seen[uid] = true
		}
	}
}

func TestICS_GoesToAFileBesideTheText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "due.ics")
	_, want, _ := call("-rule", "gdpr.access.respond", "-from", "2026-01-31", "-ics")
	for _, args := range [][]string{
		{"-ics", path, "-rule", "gdpr.access.respond", "-from", "2026-01-31", "-json"},
		{"-rule", "gdpr.access.respond", "-from", "2026-01-31", "-json", "-ics", path},
		{"-rule", "gdpr.access.respond", "-from", "2026-01-31", "-ics=" + path, "-json"},
		{"-rule", "gdpr.access.respond", "--ics", path, "-from", "2026-01-31", "-json"},
	} {
		require.NoError(t, os.RemoveAll(path))
		code, out, errs := call(args...)
		require.Equal(t, exitOK, code, errs)
		assert.True(t, strings.HasPrefix(out, "{"))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
}
