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

	"github.com/trothdev/troth/deadline"
)

var update = flag.Bool("update", false, "write the golden files again")

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// call runs the program and returns what it printed.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(args, &out, &errs, noon)
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

func TestRun_PrintsWhatTheGoldenFilesHold(t *testing.T) {
	for name, args := range map[string]string{
		"list.txt":     "-list",
		"gdpr.txt":     "-rule gdpr.access.respond -from 2026-01-31",
		"extended.txt": "-rule gdpr.access.respond -from 2026-01-31 -extend",
		"uk.txt":       "-rule uk.access.respond -from 2026-03-02 -event clarification-asked=2026-03-05 -event clarification-answered=2026-03-09",
		"waiting.txt":  "-rule uk.access.respond -from 2026-06-01 -event identity_asked=2026-06-05",
		"ack.txt":      "-rule ccpa.delete.acknowledge -from 2026-01-31",
		"optout.txt":   "-rule ccpa.optout.honour -from 2026-06-29",
		"lgpd.txt":     "-rule lgpd.access.respond -from 2026-01-31",
		"canspam.txt":  "-rule canspam.optout.honour -from 2026-12-18",
		"weekdays.txt": "-rule canspam.optout.honour -from 2026-12-18 -calendar weekdays",
		"casl.txt":     "-rule casl.optout.honour -from 2026-06-22",
		"fadp.txt":     "-rule fadp.access.respond -from 2026-02-09 -event fee-asked=2026-02-12",
		"breach.txt":   "-rule gdpr.breach.authority -from 2026-04-03",
		"instant.txt":  "-rule gdpr.breach.authority -from 2026-04-03T23:10:00+02:00 -zone Europe/Berlin",
		"minimum.txt":  "-rule casl.optout.link -from 2026-01-31",
		"once.txt":     "-rule gdpr.objection.honour -from 2026-01-31",
		"unknown.txt":  "-rule us-md.request.appeal -from 2026-01-31",
		"ccpa.json":    "-rule ccpa.delete.respond -from 2026-01-31 -json",
		"gdpr.ics":     "-rule gdpr.access.respond -from 2026-01-31 -extend -ics",
		"instant.ics":  "-rule gdpr.breach.authority -from 2026-04-03T09:10:00Z -ics -",
		"minimum.ics":  "-ics -rule casl.optout.link -from 2026-01-31",
	} {
		code, out, errs := call(strings.Fields(args)...)
		assert.Equal(t, exitOK, code, args)
		assert.Empty(t, errs, args)
		golden(t, name, out)
	}
}

// The object has these three fields and no others, and nothing stands around it.
func TestRun_JSONHasItsShape(t *testing.T) {
	_, out, _ := call("-rule", "gdpr.access.respond", "-from", "2026-03-05", "-json")
	var got map[string]any
	dec := json.NewDecoder(strings.NewReader(out))
	require.NoError(t, dec.Decode(&got))
	assert.False(t, dec.More())
	require.Len(t, got, 3)
	assert.Equal(t, "2026-04-07", got["legal"])
	assert.Equal(t, "2026-04-06", got["safe"])
	assert.Contains(t, got["explanation"], "Art. 12(3)")
	_, text, _ := call("-rule", "gdpr.access.respond", "-from", "2026-03-05")
	assert.Contains(t, text, got["explanation"])
}

func TestRun_ListHasEveryRuleAndCalendar(t *testing.T) {
	_, out, _ := call("-list")
	for _, set := range deadline.Shipped() {
		for _, r := range set.Rules() {
			assert.Contains(t, out, "  "+r.ID+" ")
			assert.Contains(t, out, string(r.Confidence)+" ")
			assert.Contains(t, out, r.Citation+"\n")
		}
	}
	for _, name := range []string{"weekdays", "eu", "gb-ew", "us-federal", "us-ca", "ca-federal"} {
		assert.Contains(t, out, "\n  "+name+" ")
	}
	for _, typ := range deadline.EventTypes() {
		assert.Contains(t, out, "\n  "+string(typ)+"\n")
	}
}

// An instant is on the day that its own offset gives it, and not on another one
// of UTC, unless a place is named.
func TestRun_InstantsKeepTheDayThatIsWritten(t *testing.T) {
	for args, want := range map[string]string{
		"-rule ccpa.delete.extend -from 2026-01-31T23:30:00-08:00":                          "legal  2026-03-17\n",
		"-rule ccpa.delete.extend -from 2026-02-01T07:30:00Z":                               "legal  2026-03-18\n",
		"-rule ccpa.delete.extend -from 2026-02-01T07:30:00Z -zone America/Los_Angeles":     "legal  2026-03-17\n",
		"-rule ccpa.delete.extend -from 2026-02-01T08:30:00+01:00":                          "legal  2026-03-18\n",
		"-rule gmail.optout.honour -from 2026-01-31T23:30:00-05:00":                         "legal  2026-02-02  until 2026-02-03T04:30:00Z\n",
		"-rule gmail.optout.honour -from 2026-01-31T23:30:00-05:00 -zone Europe/Berlin":     "legal  2026-02-03  until 2026-02-03T04:30:00Z\n",
		"-rule gmail.optout.honour -from 2026-01-31T23:30:00-05:00 -event sent=2026-01-31T": "",
	} {
		code, out, errs := call(strings.Fields(args)...)
		assert.Equal(t, want == "", code == exitUsage, errs)
		assert.True(t, strings.HasPrefix(out, want), "%s: %s", args, out)
	}
}

// What was typed and does not matter is told, beside the answer.
func TestRun_TellsWhichEventsDoNotMatter(t *testing.T) {
	code, out, errs := call(strings.Fields("-rule ccpa.delete.respond -from 2026-01-31 -json" +
		" -event identity-asked=2026-02-01 -event extension-noticed=2026-02-02")...)
	assert.Equal(t, exitOK, code)
	assert.Contains(t, out, `"legal": "2026-05-01"`)
	assert.Equal(t, "deadlines: ccpa.delete.respond takes no account of \"identity-asked\"\n", errs)
	_, _, errs = call(strings.Fields("-rule uk.access.respond -from 2026-03-02 -extend" +
		" -event identity-asked=2026-03-03 -event identity-confirmed=2026-03-04 -event clarification-asked=2026-03-05")...)
	assert.Empty(t, errs)
}

func TestRun_ExitCodes(t *testing.T) {
	for args, want := range map[string]int{
		"-h":    exitOK,
		"-list": exitOK,
		"":      exitUsage, "-rule gdpr.access.respond": exitUsage, "-from 2026-01-31": exitUsage,
		"-rule gdpr.access.appeal -from 2026-01-31":                                  exitUsage,
		"-rule gdpr.access.respond -from 2026-02-30":                                 exitUsage,
		"-rule gdpr.access.respond -from 31.1.2026":                                  exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -calendar mars":                  exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -zone Mars/Base":                 exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -event answered=2026-02-01":      exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -event identity-asked":           exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -event identity-asked=yesterday": exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 now":                             exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -quiet":                          exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -json -ics":                      exitUsage,
		"-rule gdpr.access.refuse -from 2026-01-31 -extend":                          exitUsage,
		"-rule gdpr.access.respond -from 2026-01-31 -event received=2026-01-01":      exitUsage,
		"-list -json":                                                           exitUsage,
		"-list -ics x.ics":                                                      exitUsage,
		"-list -rule gdpr.access.respond":                                       exitUsage,
		"-rule GDPR.access.respond -from 2026-01-31":                            exitUsage,
		"-rule gdpr.access.respond -from 2017-01-31":                            exitNoDate,
		"-rule gdpr.access.respond -from 2035-12-15":                            exitNoDate,
		"-rule dpdp.grievance.respond -from 2026-01-31":                         exitNoDate,
		"-rule gdpr.access.respond -from 2026-01-31 -ics=/nowhere/at/all/x.ics": exitNoDate,
	} {
		code, out, errs := call(strings.Fields(args)...)
		assert.Equal(t, want, code, "%q: %s", args, errs)
		if want != exitOK {
			assert.Empty(t, out, args)
			assert.Contains(t, errs, "deadlines: ", args)
		}
	}
}
