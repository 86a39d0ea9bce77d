package main

import (
	"bufio"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Who hands out an export can leave the first entries out and say that they were
// pruned: the program must not vouch for that.
func TestTenant_DoesNotVouchForWhatIsNotInTheFile(t *testing.T) {
	s := newShop(t)
	act := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "desk"})
	for i := range 300 {
		tenant := troth.Tenant("globex")
		if i < 2 || i > 297 {
			tenant = "acme"
		}
		_, err := s.trail.Record(act, troth.Entry{Act: &troth.Act{Name: "shop.act", Version: 1, Doc: "Something was done."}, Tenant: tenant})
		require.NoError(t, err)
		if i == 1 || i == 297 || i == 299 {
			sign(t, s.trail)
		}
	}
	var whole strings.Builder
	require.NoError(t, s.trail.Export(t.Context(), &whole, "acme", ""))
	lines := strings.SplitAfter(whole.String(), "\n")
	var leaves []int
	for i, line := range lines {
		if strings.HasPrefix(line, "leaf ") {
			leaves = append(leaves, i)
		}
	}
	require.Len(t, leaves, 4)
	_, err := audit.VerifyTenant(strings.NewReader(whole.String()), s.keys, func(e audit.ProvenEntry) error {
		if e.Number == 2 {
			lines[leaves[1]] = "pruned 2 " + base64.StdEncoding.EncodeToString(e.Hash[:]) + "\n"
		}
		return nil
	})
	require.NoError(t, err)
	left := strings.Join(append(append([]string(nil), lines[:leaves[0]]...), lines[leaves[1]:]...), "")
	judge := func(file string) (string, error) {
		return (&verifier{keys: s.keys}).tenant(bufio.NewReader(strings.NewReader(file)))
	}
	text, err := judge(left)
	require.NoError(t, err)
	assert.Contains(t, text, "the first 2 of them are not here; the file says that they were destroyed")
	assert.Contains(t, text, "Not proven: that those were destroyed: who made the file may have left them out")
	assert.NotContains(t, text, "these are all entries")

	text, err = judge(whole.String())
	require.NoError(t, err)
	assert.Contains(t, text, "these are all entries")
	assert.NotContains(t, text, "left them out")
}
