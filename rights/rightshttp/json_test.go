package rightshttp

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is taken is what was described, and reads the same when it is written again.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"right":"access"}`, `{"right":"access","mandate":{"rights":["access"],"until":"2026-04-05T10:00:00Z"},"purposes":["a"],"sensitive":true}`,
		`{"right":"access","right":"erase"}`, `{"RIGHT":"access"}`, `{"right":null}`, `[`, `{"right":"access","purposes":[[[]]]}`, `{"right":"\ud800"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var s, again submission
		if decode(body, &s) != nil {
			return
		}
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, decode(text, &again))
		require.Equal(t, s, again)
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &fields))
		for name := range fields {
			require.Contains(t, `right sensitive purposes fields of language name channel address text mandate subject via receivedAt regimes`, name)
		}
	})
}
