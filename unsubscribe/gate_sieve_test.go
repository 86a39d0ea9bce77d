package unsubscribe_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

// longCampaign is three batches of database mode, and some more.
const longCampaign = 15_500

// longWorld has opt-outs in every scope, under tags and for other lists.
func longWorld(t *testing.T) (*gateWorld, []unsubscribe.Recipient) {
	t.Helper()
	w := newGateWorld(t)
	p := w.process(nil)
	all := make([]unsubscribe.Recipient, longCampaign)
	for i := range all {
		all[i] = gateTo(longAddress(i))
		if i%10 == 1 {
			all[i] = gateTo(fmt.Sprintf("a.%d+tag@gmail.com", i))
		}
	}
	h, err := p.Hasher(w.ctx, gateAcme)
	require.NoError(t, err)
	for i := 0; i < len(all); i += 2 { // half of them have stored keys
		address, err := all[i].Address.Reveal("test")
		require.NoError(t, err)
		k, err := h.Keys(unsubscribe.Email, address)
		require.NoError(t, err)
		all[i] = unsubscribe.Recipient{Keys: k}
	}
	for i := 0; i < len(all); i += 310 {
		p.optOut(longAddress(i), []unsubscribe.Scope{unsubscribe.List, unsubscribe.Client, unsubscribe.Everything}[i/310%3])
	}
	for i := 201; i < len(all); i += 1_000 {
		p.optOut(fmt.Sprintf("a%d@gmail.com", i), unsubscribe.Client) // i%10 is 1
	}
	o := gateOut(longAddress(4), unsubscribe.List)
	o.List = "another"
	_, err = p.OptOut(p.ctx, o)
	require.NoError(t, err)
	return w, all
}

func longAddress(i int) string { return fmt.Sprintf("%d@a.example", i) }

// during asks about all, and does something once the first batch was decided.
func during(t *testing.T, p *gateProcess, all []unsubscribe.Recipient, do func()) (stopped map[int]bool, err error) {
	t.Helper()
	stopped, n := map[int]bool{}, 0
	for v, err := range p.gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients(all)) {
		if err != nil {
			return stopped, err
		}
		if !v.Send {
			stopped[n] = true
		}
		if n++; n == 1 && do != nil {
			do()
		}
	}
	require.Equal(t, len(all), n)
	return stopped, nil
}

func TestGate_ALongCampaignInDatabaseModeDecidesAsTheIndexDoes(t *testing.T) {
	w, all := longWorld(t)
	want, err := during(t, w.loaded(), all, nil)
	require.NoError(t, err)
	require.Greater(t, len(want), 60)
	p := w.loaded(unsubscribe.WithDatabaseMode())
	got, err := during(t, p, all, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Less(t, p.store.keys.Load(), int64(2_000), "few are looked up")
}

// What others record while a campaign runs is seen from the next batch on, whatever was
// read before.
func TestGate_ALongCampaignInDatabaseModeSeesWhatIsCommittedMeanwhile(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, p, other *gateProcess){
		"an opt-out": func(*testing.T, *gateProcess, *gateProcess) {},
		"a change of keys": func(t *testing.T, _, other *gateProcess) {
			_, err := other.Rekey(other.ctx, gateAcme)
			require.NoError(t, err)
			_, err = other.Rekey(other.ctx, "~platform")
			require.NoError(t, err)
		},
		"a feed with a gap": func(_ *testing.T, p, _ *gateProcess) { p.store.gap.Store(true) },
		"a feed that is pruned": func(t *testing.T, _, other *gateProcess) {
			require.NoError(t, other.gateWorld.store.PruneFeed(other.ctx, 1<<62))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, all := longWorld(t)
			p, other := w.loaded(unsubscribe.WithDatabaseMode()), w.process(nil)
			want, err := during(t, p, all, nil)
			require.NoError(t, err)
			late := []int{5_001, 9_002, 10_011, 15_499}
			got, err := during(t, p, all, func() {
				other.optOut(longAddress(9_002), unsubscribe.Everything)
				other.optOut(longAddress(15_499), unsubscribe.List)
				do(t, p, other)
				other.optOut("a10011@gmail.com", unsubscribe.Client)
				other.optOut("a.5001+another@gmail.com", unsubscribe.Client)
				other.optOut(longAddress(3), unsubscribe.Client) // of the batch that was decided
			})
			require.NoError(t, err)
			for _, i := range late {
				want[i] = true
			}
			require.Equal(t, want, got)
		})
	}
}

func TestGate_ALongCampaignInDatabaseModeFailsClosed(t *testing.T) {
	w, all := longWorld(t)
	p := w.loaded(unsubscribe.WithDatabaseMode())
	for name, fail := range map[string]func(is bool){
		"the store is down":      p.store.down.Store,
		"prefixes are not given": p.store.blind.Store,
	} {
		t.Run(name, func(t *testing.T) {
			fail(true)
			_, err := during(t, p, all, nil)
			fail(false)
			require.ErrorIs(t, err, unsubscribe.ErrStale)
			if name == "the store is down" {
				_, err = during(t, p, all, func() { fail(true) })
				fail(false)
				require.ErrorIs(t, err, unsubscribe.ErrStale)
			}
		})
	}
}

// Where somebody wrote very many keys that begin alike, all are looked up.
func TestGate_ALongCampaignInDatabaseModeDoesWithoutPrefixes(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w, all := longWorld(t)
	p := w.loaded(unsubscribe.WithDatabaseMode())
	want, err := during(t, p, all, nil)
	require.NoError(t, err)
	p.store.prefixes.Store(0)
	p.store.keys.Store(0)
	p.store.crowded.Store(true)
	got, err := during(t, p, all, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Greater(t, p.store.keys.Load(), int64(2*longCampaign))
	require.Less(t, p.store.prefixes.Load(), int64(6), "it is tried once")
}

// In a transaction, whose reads may be older than the feed, all are looked up; so are
// few.
func TestGate_PrefixesAreForLongCampaignsOutsideOfTransactions(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w, all := longWorld(t)
	p := w.loaded(unsubscribe.WithDatabaseMode())
	_, err := during(t, p, all[:4_999], nil)
	require.NoError(t, err)
	require.Zero(t, p.store.prefixes.Load())
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		for _, err := range p.gate.Filter(ctx, gateLetter, unsubscribe.Recipients(all)) {
			require.NoError(t, err)
		}
		return nil
	}))
	require.Zero(t, p.store.prefixes.Load())
}
