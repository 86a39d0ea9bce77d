package troth_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

func TestProven_SaysWhatTheEntrySaysAndNothingElse(t *testing.T) {
	act := &troth.Act{Name: "shop.sold", Version: 2}
	at := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	whole := func() troth.Proven {
		return troth.Proven{Act: "shop.sold", ActVersion: 2, Outcome: troth.Done, Tenant: "acme", Facts: troth.Facts{
			"what": troth.Word("tea"), "kinds": troth.Words("black", "green"), "count": troth.Count(3),
			"at": troth.Instant(at), "hash": troth.Digest([32]byte{1}), "order": troth.ID("17"),
		}}
	}
	p := whole()
	require.True(t, p.Says(act, "acme", p.Facts))
	require.True(t, p.Says(act, "acme", troth.Facts{"order": troth.ID("17")}), "others may be there")
	require.True(t, p.Says(act, "acme", nil))

	for name, change := range map[string]func(p *troth.Proven){
		"act":     func(p *troth.Proven) { p.Act = "shop.gave" },
		"version": func(p *troth.Proven) { p.ActVersion = 1 },
		"outcome": func(p *troth.Proven) { p.Outcome = troth.Refused },
		"tenant":  func(p *troth.Proven) { p.Tenant = "globex" },
		"gone":    func(p *troth.Proven) { delete(p.Facts, "what") },
		"kind":    func(p *troth.Proven) { p.Facts["order"] = troth.Word("17") },
		"word":    func(p *troth.Proven) { p.Facts["what"] = troth.Word("coffee") },
		"words":   func(p *troth.Proven) { p.Facts["kinds"] = troth.Words("black") },
		"count":   func(p *troth.Proven) { p.Facts["count"] = troth.Count(4) },
		"instant": func(p *troth.Proven) { p.Facts["at"] = troth.Instant(at.Add(time.Microsecond)) },
		"digest":  func(p *troth.Proven) { p.Facts["hash"] = troth.Digest([32]byte{2}) },
		"id":      func(p *troth.Proven) { p.Facts["order"] = troth.ID("18") },
	} {
		other := whole()
		other.Facts = maps.Clone(other.Facts)
		change(&other)
		require.False(t, other.Says(act, "acme", p.Facts), name)
	}
}
