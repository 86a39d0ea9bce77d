// Package retention tries the published schema of retention policies with a
// validator that is not ours.
package retention

import (
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random changes")

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(retention.Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", doc))
	s, err := c.Compile("schema.json")
	require.NoError(t, err)
	return s
}

// policies are all that are shipped, worked and broken ones, as the text that
// programs exchange.
func policies(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"../../examples/policies/*.yaml", "../../examples/policylint/testdata/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			p, err := retention.ParseYAML(text)
			if strings.Contains(path, "unreadable") {
				require.Error(t, err, path)
				continue
			}
			require.NoError(t, err, path)
			all[path], err = json.Marshal(p)
			require.NoError(t, err)
		}
	}
	return all
}

func TestSchema_AcceptsEveryPolicy(t *testing.T) {
	s := schema(t)
	for path, text := range policies(t) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		require.NoError(t, err)
		require.NoError(t, s.Validate(doc), path)
	}
}

// What the schema refuses the parser refuses: tried on policies with one or two
// random changes, most of which make nonsense of them.
func TestSchema_TheParserRefusesWhatItRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Logf("-seed %d", *seed)
	r := rand.New(rand.NewPCG(*seed, 1))
	s := schema(t)
	refused, accepted := 0, 0
	all := policies(t)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		text := all[path]
		for range 100 {
			var doc any
			require.NoError(t, json.Unmarshal(text, &doc))
			for range 1 + r.IntN(2) {
				change(r, doc)
			}
			changed, err := json.Marshal(doc)
			require.NoError(t, err)
			_, parsed := retention.Parse(changed)
			if s.Validate(doc) != nil {
				refused++
				require.Error(t, parsed, "%s: the schema refuses what the parser accepts: %s", path, changed)
			} else if parsed == nil {
				accepted++
			}
		}
	}
	require.Greater(t, refused, 200)
	require.NotZero(t, accepted)
}

// change puts a value in the place of a random one, drops it, doubles it, or adds
// one that has no place.
func change(r *rand.Rand, v any) {
	for {
		switch node := v.(type) {
		case map[string]any:
			keys := slices.Sorted(maps.Keys(node))
			key := keys[r.IntN(len(keys))]
			if child := node[key]; r.IntN(3) > 0 && inner(child) {
				v = child
				continue
			}
			switch r.IntN(6) {
			case 0:
				delete(node, key)
				if len(node) == 0 {
					node["gone"] = true
				}
			case 1:
				node[names[r.IntN(len(names))]] = value(r)
			default:
				node[key] = value(r)
			}
			return
		case []any:
			i := r.IntN(len(node))
			if r.IntN(3) > 0 && inner(node[i]) {
				v = node[i]
				continue
			}
			if r.IntN(3) == 0 && len(node) > 1 {
				node[i] = node[(i+1)%len(node)]
			} else {
				node[i] = value(r)
			}
			return
		}
	}
}

// value returns one of values that shares nothing with it: it may be changed next.
func value(r *rand.Rand) any {
	switch v := values[r.IntN(len(values))].(type) {
	case map[string]any:
		return maps.Clone(v)
	case []any:
		return slices.Clone(v)
	default:
		return v
	}
}

// inner reports whether a value has something in it to change.
func inner(v any) bool {
	switch node := v.(type) {
	case map[string]any:
		return len(node) > 0
	case []any:
		return len(node) > 0
	}
	return false
}

var names = []string{"for", "until", "review", "copies", "lag", "rotation", "of", "then", "labels", "yields", "at_once", "within", "retry", "end", "default", "nonsense"}

var values = []any{
	nil, true, false, 0.0, 1.0, -1.0, 1.5, 4294967296.0, "", " ", "x", "X", "created", "purged", "P0D", "P1D", "P1M", "P10B", "PT1H",
	"P1DT1H", "P-1D", "P9999Y", "P01D", "P", "2026-01-01", "2026-02-30", "26-1-1", "Local", "UTC", "none", "all", "gone",
	"two\nlines", "a-", "a.b", strings.Repeat("a", 65), strings.Repeat("a", 1001),
	[]any{},
	[]any{"x"},
	[]any{"x", "x"},
	map[string]any{},
}
