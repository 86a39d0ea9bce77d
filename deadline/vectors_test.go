package deadline

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vector is a line of testdata/vectors.txt.
type vector struct {
	line        string
	rule        Rule
	events      []Event
	legal, safe string
}

// vectors reads the table. Every line must have a comment of its own above it:
// a figure without its arithmetic proves nothing.
func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	require.NoError(t, err)
	var list []vector
	explained := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if comment := strings.HasPrefix(line, "# "); comment || line == "" || strings.HasPrefix(line, "##") {
			explained = comment
			continue
		}
		require.True(t, explained, "no arithmetic above %q", line)
		explained = false
		f := strings.Split(line, " | ")
		require.Len(t, f, 4, line)
		v := vector{line: line, rule: rule(t, f[0]), legal: f[2], safe: f[3]}
		for e := range strings.FieldsSeq(f[1]) {
			typ, when, _ := strings.Cut(e, "=")
			if at, err := time.Parse(time.RFC3339, when); err == nil {
				v.events = append(v.events, At(EventType(typ), at, nil))
			} else {
				v.events = append(v.events, On(EventType(typ), date(t, when)))
			}
		}
		list = append(list, v)
	}
	return list
}

func TestDue_Vectors(t *testing.T) {
	list := vectors(t)
	require.Greater(t, len(list), 20+80)
	for _, v := range list {
		d, err := Due(v.rule, v.events, nil)
		require.NoError(t, err, v.line)
		legal, safe := d.Legal.String(), d.Safe.String()
		if !d.LegalAt.IsZero() {
			assert.Equal(t, DateOf(d.LegalAt.Add(-1), time.UTC), d.Legal, v.line)
			assert.Equal(t, DateOf(d.SafeAt.Add(-1), time.UTC), d.Safe, v.line)
			legal, safe = d.LegalAt.Format(time.RFC3339), d.SafeAt.Format(time.RFC3339)
		}
		assert.Equal(t, v.legal+" "+v.safe, legal+" "+safe, v.line)
		// The words tell the same dates as the fields.
		text := d.Explain()
		if v.rule.Limit() {
			assert.Contains(t, text, "Legal date: "+d.Legal.String(), v.line)
			assert.Contains(t, text, "Safe date: "+d.Safe.String(), v.line)
			assert.Equal(t, d.Legal != d.Safe || !d.LegalAt.Equal(d.SafeAt), strings.Contains(text, "\nIn doubt"), "%s\n%s", v.line, text)
		}
		assert.Equal(t, d.Waiting != "", strings.Contains(text, "The clock waits"), v.line)
	}
}

// Every shipped set has lines of its own.
func TestDue_VectorsCoverEverySet(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range vectors(t) {
		seen[v.rule.ID] = true
	}
	for _, s := range Shipped() {
		n := 0
		for _, r := range s.Rules() {
			if seen[r.ID] {
				n++
			}
		}
		assert.NotZero(t, n, s.Name())
	}
}
