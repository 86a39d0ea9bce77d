package unsubscribe_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// regModel is the registry as a list of what was said.
type regModel struct{ said []regSaid }

type regSaid struct {
	place   unsubscribe.Place
	address string
	reason  unsubscribe.Reason // empty for a way back
	at      time.Time
}

// box is the mailbox of the model's addresses, by a rule of its own.
func regBox(address string) string {
	switch address {
	case "ada+a@gmail.com", "ada+b@gmail.com", "ada@googlemail.com":
		return "ada@gmail.com"
	}
	return address
}

// lifted reports whether the person came back after it.
func (m *regModel) lifted(s regSaid) bool {
	for _, back := range m.said {
		if back.reason == "" && back.address == s.address && back.place == s.place && back.at.After(s.at) {
			return true
		}
	}
	return false
}

func (m *regModel) stops(c unsubscribe.Campaign, address string) bool {
	for _, s := range m.said {
		concerns := s.place.Scope == unsubscribe.Everything || s.place.Tenant == c.Tenant &&
			(s.place.Scope == unsubscribe.Client || s.place.List == c.List)
		if s.reason == "" || !concerns || regBox(s.address) != regBox(address) || m.lifted(s) {
			continue
		}
		if c.Class == unsubscribe.Marketing || s.reason == unsubscribe.ReasonBounce {
			return true
		}
	}
	return false
}

// accepts reports whether a way back is dated after everything that stands.
func (m *regModel) accepts(back regSaid) bool {
	for _, s := range m.said {
		if s.reason != "" && s.address == back.address && s.place == back.place && !m.lifted(s) && !s.at.Before(back.at) {
			return false
		}
	}
	return true
}

// TestModel_RegistryAgrees says random things in random order and asks after each.
// TROTH_SEED sets the seed.
func TestModel_RegistryAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TROTH_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("TROTH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	addresses := []string{"ada@gmail.com", "ada+a@gmail.com", "ada+b@gmail.com", "ada@googlemail.com", "eve@example.org"}
	for range 20 {
		w, m := newRegWorld(t), &regModel{}
		begin := w.clock.Now()
		w.clock.Move(time.Hour)
		for range 25 {
			regSay(w, m, random, addresses, begin)
			for _, address := range addresses {
				for _, tenant := range []troth.Tenant{regAcme, regGlobex} {
					for _, class := range []unsubscribe.Class{unsubscribe.Marketing, unsubscribe.Security} {
						c := regLetter(tenant)
						c.Class = class
						d := w.check(c, address)
						require.Equal(t, !m.stops(c, address), d.Send, "%s, %s, %s: %v after %+v", tenant, address, class, d, m.said)
					}
				}
			}
			if random.IntN(10) == 0 {
				_, err := w.r.Rekey(w.ctx, []troth.Tenant{regAcme, troth.Platform}[random.IntN(2)])
				require.NoError(t, err)
			}
		}
	}
}

// regSay says one thing to both.
func regSay(w *regWorld, m *regModel, random *rand.Rand, addresses []string, begin time.Time) {
	w.Helper()
	s := regSaid{
		place:   unsubscribe.Place{Tenant: []troth.Tenant{regAcme, regGlobex}[random.IntN(2)]},
		address: addresses[random.IntN(len(addresses))],
		at:      begin.Add(time.Duration(random.IntN(6)) * time.Minute),
	}
	switch s.place.Scope = []unsubscribe.Scope{unsubscribe.List, unsubscribe.Client, unsubscribe.Everything}[random.IntN(3)]; s.place.Scope {
	case unsubscribe.List:
		s.place.List = []string{"letter", "offers"}[random.IntN(2)]
	case unsubscribe.Everything:
		s.place.Tenant = regAcme // the model's places are those of the registry
	case unsubscribe.Client:
	}
	var err error
	switch random.IntN(5) {
	case 0, 1:
		s.reason = unsubscribe.ReasonOptOut
		_, err = w.r.OptOut(w.ctx, unsubscribe.OptOutParams{
			Tenant: s.place.Tenant, Channel: unsubscribe.Email, Address: troth.Protect(s.address), Scope: s.place.Scope,
			List: s.place.List, At: s.at, Method: unsubscribe.ByPage,
		})
	case 2:
		s.reason = unsubscribe.ReasonBounce
		_, err = w.r.Report(w.ctx, unsubscribe.ReportParams{
			Tenant: s.place.Tenant, Channel: unsubscribe.Email, Address: troth.Protect(s.address), Scope: s.place.Scope,
			List: s.place.List, At: s.at, Kind: unsubscribe.KindBounce,
		})
	default:
		_, err = w.r.OptIn(w.ctx, unsubscribe.OptInParams{
			Tenant: s.place.Tenant, Channel: unsubscribe.Email, Address: troth.Protect(s.address), Scope: s.place.Scope,
			List: s.place.List, At: s.at, Method: unsubscribe.ByReply, Reference: "r",
		})
		if !m.accepts(s) {
			require.ErrorIs(w, err, unsubscribe.ErrEvidence)
			return
		}
	}
	require.NoError(w, err)
	m.said = append(m.said, s)
}
