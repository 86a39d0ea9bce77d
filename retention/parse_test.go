package retention_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

// canonicalText is a policy as JSON, indented by nothing.
func canonicalText(tb testing.TB, p *retention.Policy) string {
	tb.Helper()
	text, err := json.Marshal(p)
	require.NoError(tb, err)
	return string(text)
}

func TestParse_ReadsWhatWasWritten(t *testing.T) {
	p := content(t)
	again, err := retention.Parse([]byte(canonicalText(t, p)))
	require.NoError(t, err)
	require.Equal(t, p, again)
	for name, text := range examples(t) {
		p, err := retention.ParseYAML(text)
		require.NoError(t, err, name)
		again, err := retention.Parse([]byte(canonicalText(t, p)))
		require.NoError(t, err, name)
		require.Equal(t, p, again, name)
		require.Equal(t, p.Hash(), again.Hash(), name)
	}
}

func TestParse_Refuses(t *testing.T) {
	text := canonicalText(t, content(t))
	with := func(old, put string) string {
		require.Contains(t, text, old)
		return strings.Replace(text, old, put, 1)
	}
	for name, bad := range map[string]string{
		"nothing":                         "",
		"no object":                       "[]",
		"null":                            "null",
		"two policies":                    text + text,
		"bytes that are no text":          with("A test", "A \xff"),
		"a field twice":                   with(`"version":1`, `"version":1,"version":2`),
		"a field in capitals":             with(`"version"`, `"Version"`),
		"an unknown field":                with(`"version":1`, `"version":1,"verdict":1`),
		"an unknown field deep down":      with(`"visible":"all"`, `"visible":"all","hidden":true`),
		"null for a list":                 with(`"zone":"UTC"`, `"zone":"UTC","labels":null`),
		"an empty list":                   with(`"zone":"UTC"`, `"zone":"UTC","labels":[]`),
		"an empty word":                   with(`"title":"A test"`, `"title":""`),
		"another format":                  with("policy/1", "policy/2"),
		"version 0":                       with(`"version":1`, `"version":0`),
		"a negative version":              with(`"version":1`, `"version":-1`),
		"a version beyond 32 bits":        with(`"version":1`, `"version":4294967296`),
		"a version with a fraction":       with(`"version":1`, `"version":1.5`),
		"a day that does not exist":       with("2020-01-01", "2021-02-29"),
		"a zone of the machine":           with(`"UTC"`, `"Local"`),
		"a zone that is a path":           with(`"UTC"`, `"../UTC"`),
		"a zone that is not there":        with(`"UTC"`, `"Mars/Olympus"`),
		"a negative period":               with(`"for":"P25D"`, `"for":"-P25D"`),
		"a negative part":                 with(`"for":"P25D"`, `"for":"P-25D"`),
		"a period of nothing":             with(`"for":"P25D"`, `"for":"P0D"`),
		"a period that overflows":         with(`"for":"P25D"`, `"for":"P99999999999999999999D"`),
		"a period of 9999 years":          with(`"for":"P25D"`, `"for":"P9999Y"`),
		"a period of business days":       with(`"for":"P25D"`, `"for":"P10B"`),
		"days and hours together":         with(`"for":"P25D"`, `"for":"P1DT1H"`),
		"a period that is a number":       with(`"for":"P25D"`, `"for":25`),
		"a sweep that is left out":        with(`"sweep":"P1D",`, ``),
		"no title":                        with(`"title":"A test",`, ``),
		"two lines of title":              with(`A test`, `A\ntest`),
		"a title with a blank end":        with(`A test`, `A test `),
		"an id in capitals":               with(`"policy":"test"`, `"policy":"Test"`),
		"an id that ends with a dot":      with(`"policy":"test"`, `"policy":"test."`),
		"a very long id":                  with(`"policy":"test"`, `"policy":"`+strings.Repeat("a", 65)+`"`),
		"an event that is reserved":       with(`"event":"trashed"`, `"event":"created"`),
		"an event twice":                  with(`"event":"restored"`, `"event":"trashed"`),
		"an unknown scope":                with(`"scope":"account"`, `"scope":"world"`),
		"a copy twice":                    with(`"copy":"search"`, `"copy":"primary"`),
		"an unknown kind of copy":         with(`"kind":"backup"`, `"kind":"tape"`),
		"a copy of itself":                with(`"of":"primary"`, `"of":"search"`),
		"a copy of no class":              with(`"of":"primary"`, `"of":"primary","classes":["other"]`),
		"a copy of nothing":               with(`"of":"primary"`, `"of":"other"`),
		"a backup without rotation":       with(`,"rotation":"P30D"`, ``),
		"an index that rotates":           with(`"lag":"P1D"`, `"rotation":"P1D"`),
		"a class without records":         with(`"records":["file"],`, ``),
		"a class without copies":          with(`"copies":["primary"],`, ``),
		"a class of backups only":         with(`"copies":["primary"],`, `"copies":["backups"],`),
		"a stage that is reserved":        with(`"stage":"trashed"`, `"stage":"purged"`),
		"a stage twice":                   with(`"stage":"trashed"`, `"stage":"active"`),
		"a stage that nobody declared":    with(`"then":"closed"`, `"then":"open"`),
		"a stage until nothing":           with(`"until":"account.closed"`, `"until":"account.opened"`),
		"a stage without visibility":      with(`"visible":"all",`, ``),
		"an unknown visibility":           with(`"visible":"all"`, `"visible":"world"`),
		"a transition of no event":        with(`{"event":"trashed","from"`, `{"event":"binned","from"`),
		"a transition from nowhere":       with(`"from":["active"]`, `"from":["past"]`),
		"a transition to itself":          with(`"from":["active"]`, `"from":["trashed"]`),
		"a way back that is not restored": with(`"restorable":true,`, ``),
		"an event with two ways":          with(`"from":["trashed"],"goto":"active"`, `"from":["trashed"],"goto":"active"},{"event":"restored","from":["trashed"],"goto":"inaccessible"`),
		"a transition in two parts":       with(`"from":["trashed","inaccessible"],"goto":"closed"`, `"from":["trashed"],"goto":"closed"},{"event":"account.closed","from":["inaccessible"],"goto":"closed"`),
		"an event that ends and moves":    with(`"from":["trashed","inaccessible"]`, `"from":["active","inaccessible"]`),
		"a promise of an unknown class":   with(`"promise":"trash","classes":["content"]`, `"promise":"trash","classes":["other"]`),
		"a promise from nothing":          with(`"from":"trashed","within"`, `"from":"binned","within"`),
		"a promise without a time":        with(`"within":"P90D",`, ``),
		"a promise with two times":        with(`"within":"P90D",`, `"within":"P90D","at_once":true,`),
		"a promise that ends itself":      with(`"unless":["restored"]`, `"unless":["trashed"]`),
		"a promise that yields to none":   with(`"unless":["restored"]`, `"yields":["taxes"]`),
		"a promise without a citation":    with(`,"cite":"policy 1"`, ``),
		"a promise twice":                 with(`"promise":"account"`, `"promise":"trash"`),
	} {
		p, err := retention.Parse([]byte(bad))
		require.ErrorIs(t, err, retention.ErrPolicy, name)
		require.Nil(t, p, name)
		var as *retention.PolicyError
		require.ErrorAs(t, err, &as, name)
	}
}

func TestParse_SaysWhereAndWhatItWants(t *testing.T) {
	text := canonicalText(t, content(t))
	for want, change := range map[string][2]string{
		"classes[0].stages[1].for: want a period, such as P30D, P3M or PT72H":        {`"for":"P25D"`, `"for":"25 days"`},
		"effective: want a day, such as 2026-01-31":                                  {"2020-01-01", "1.1.2020"},
		"classes.content.stages.active.visible: want one of none, staff, owner, all": {`"visible":"all"`, `"visible":"world"`},
		"events.account.closed.scope: want one of record, account, subject, purpose": {`"scope":"account"`, `"scope":"world"`},
		"promises.trash.within: want either a period or at_once":                     {`"within":"P90D",`, ``},
	} {
		require.Contains(t, text, change[0])
		_, err := retention.Parse([]byte(strings.Replace(text, change[0], change[1], 1)))
		require.EqualError(t, err, "retention: policy: "+want)
	}
}

func TestParse_RefusesWhatIsHuge(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	text := canonicalText(t, content(t))
	deep := strings.Repeat(`{"default":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	many := strings.Replace(text, `"events":[`, `"events":[`+strings.Repeat(`{"event":"e"},`, 30_000), 1)
	stages := &bytes.Buffer{}
	for i := range 33 {
		fmt.Fprintf(stages, `{"stage":"s%d","visible":"none","for":"P1D"},`, i)
	}
	for name, bad := range map[string]string{
		"long":       text + strings.Repeat(" ", retention.MaxText),
		"deep":       deep,
		"deep lists": strings.Repeat("[", 500_000),
		"many":       many,
		"stages":     strings.Replace(text, `"stages":[`, `"stages":[`+stages.String(), 1),
	} {
		_, err := retention.Parse([]byte(bad))
		require.ErrorIs(t, err, retention.ErrPolicy, name)
		require.Less(t, len(err.Error()), 4096, name)
		_, err = retention.ParseYAML([]byte(bad))
		require.ErrorIs(t, err, retention.ErrPolicy, name)
	}
}

// An error says where and quotes nothing but ids.
func TestPolicyError_QuotesNoText(t *testing.T) {
	p := changed(t, content(t), func(p *retention.Policy) { p.Promises[0].Name = "ada@example.org" })
	err := p.Validate()
	require.ErrorIs(t, err, retention.ErrPolicy)
	require.NotContains(t, err.Error(), "ada")
	require.Contains(t, err.Error(), "promises")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(canonicalText(f, content(f))))
	for _, text := range examples(f) {
		p, err := retention.ParseYAML(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(canonicalText(f, p)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := retention.Parse(text)
		if err != nil {
			if p != nil {
				t.Fatal("a policy with an error")
			}
			require.ErrorIs(t, err, retention.ErrPolicy)
			return
		}
		usable(t, p)
	})
}

// usable demands of an accepted policy that everything works with it.
func usable(t *testing.T, p *retention.Policy) {
	t.Helper()
	again, err := retention.Parse([]byte(canonicalText(t, p)))
	require.NoError(t, err)
	require.Equal(t, p.Hash(), again.Hash())
	_, err = p.Lint(retention.LintOptions{})
	require.NoError(t, err)
	_, err = retention.NewHistory(p)
	require.NoError(t, err)
}
