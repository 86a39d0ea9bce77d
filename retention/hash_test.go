package retention_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

// The vector of docs/formats/retention-policy.md, and those of the worked policies.
// A hash that changes here changes what was recorded everywhere.
func TestHash_Vectors(t *testing.T) {
	p, err := retention.ParseYAML([]byte(plainYAML))
	require.NoError(t, err)
	hash := p.Hash()
	require.Equal(t, "27fb33b9e6dff697f3d01b5dc446789ed7159f1a6b4ff6de77098c9a42497825", hex.EncodeToString(hash[:]))
	page, err := os.ReadFile("../docs/formats/retention-policy.md")
	require.NoError(t, err)
	require.Contains(t, string(page), hex.EncodeToString(hash[:]))
}

func TestHash_DoesNotDependOnWhatSaysNothing(t *testing.T) {
	p := content(t)
	want := p.Hash()
	require.Equal(t, want, changed(t, p, func(p *retention.Policy) {
		slices.Reverse(p.Events)
		slices.Reverse(p.Copies)
		slices.Reverse(p.Promises)
		slices.Reverse(p.Classes[0].On)
		slices.Reverse(p.Classes[0].On[0].From)
		p.Apply, p.Classes[0].End, p.Promises[0].To = retention.EarlierOnly, retention.Destroy, retention.Gone
		p.Events[0].Scope = retention.OfRecord
	}).Hash())
}

// Every value of a policy that is changed in its text changes the hash, as long as
// it is still a policy.
func TestHash_CommitsToEveryValue(t *testing.T) {
	all := map[string][]byte{"content": []byte(canonicalText(t, content(t))), "dropship": examples(t)["dropship.yaml"]}
	tried := 0
	for name, text := range all {
		p, err := retention.ParseYAML(text)
		require.NoError(t, err, name)
		var root any
		require.NoError(t, json.Unmarshal([]byte(canonicalText(t, p)), &root))
		edits(root, func(what string) {
			text, err := json.Marshal(root)
			require.NoError(t, err)
			if q, err := retention.Parse(text); err == nil {
				tried++
				require.NotEqual(t, p.Hash(), q.Hash(), "%s: %s", name, what)
			}
		})
	}
	require.Greater(t, tried, 120)
}

// edits changes one value after the other in place, calls try, and puts it back.
func edits(v any, try func(what string)) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			for _, other := range others(key, value) {
				v[key] = other
				try(fmt.Sprintf("%s: %v for %v", key, other, value))
			}
			delete(v, key)
			if flag, is := value.(bool); !is || flag { // what is left out is false
				try("no " + key)
			}
			v[key] = value
			edits(value, try)
		}
	case []any:
		for i, value := range v {
			for _, other := range others("", value) {
				v[i] = other
				try(fmt.Sprintf("%v for %v", other, value))
			}
			v[i] = value
			edits(value, try)
		}
	}
}

// elsewise are words to put in place of those of closed lists.
var elsewise = map[string]string{
	"apply": "new", "scope": "account", "end": "anonymise", "to": "hidden", "kind": "paper", "visible": "none", "zone": "Asia/Tokyo",
}

// others are values to put in place of one.
func others(key string, v any) []any {
	switch v := v.(type) {
	case string:
		if _, err := deadline.ParsePeriod(v); err == nil {
			return []any{v[:1] + "11D"}
		}
		if _, err := deadline.ParseDate(v); err == nil {
			return []any{"2027-03-03"}
		}
		if word, ok := elsewise[key]; ok && word != v {
			return []any{word}
		}
		return []any{v + "x"}
	case float64:
		return []any{v + 1}
	case bool:
		return []any{!v}
	}
	return nil
}
