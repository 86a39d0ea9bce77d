package vault_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
)

var crashSeed = flag.Uint64("vault.crash.seed", 0, "seed of the moments at which programs are killed; 0 draws one")

func newChance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -vault.crash.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// toilAndCrash starts a program, kills it at a moment that chance picks after
// it has begun to tell what it does, and returns all that it told.
func toilAndCrash(t *testing.T, config childConfig, chance *rand.Rand, longest time.Duration) []deed {
	t.Helper()
	p := config.start(t)
	first := p.Line()
	require.NotNil(t, first, p.Log)
	lines := [][]byte{first}
	moment := time.After(time.Duration(chance.Int64N(int64(longest))))
	for alive := true; alive; {
		select {
		case line, more := <-p.Lines:
			require.True(t, more, "the program ended by itself: %s", p.Log)
			lines = append(lines, line)
		case <-moment:
			alive = false
		}
	}
	p.Kill()
	for line := range p.Lines {
		lines = append(lines, line)
	}
	deeds := make([]deed, len(lines))
	for i, line := range lines {
		require.NoError(t, json.Unmarshal(line, &deeds[i]))
	}
	return deeds
}

// sealFor seals for a number of people in one transaction.
func sealFor(t *testing.T, k *kit.Kit, prefix string, people int) map[string][]byte {
	t.Helper()
	values := map[string][]byte{}
	require.NoError(t, k.Handle.Atomically(service(t.Context(), "importer"), func(ctx context.Context) error {
		for i := range people {
			s := fmt.Sprintf("%s%03d", prefix, i)
			v, err := k.Vault.AppendSeal(ctx, nil, emailOf(shop, s), plaintextOf(s))
			if err != nil {
				return err
			}
			values[s] = v
		}
		return nil
	}))
	return values
}

// TestOpen_ACrashLeavesNoUnrecordedOpening kills a program that opens for people
// and for services. What it told that it had seen must be on the trail.
func TestOpen_ACrashLeavesNoUnrecordedOpening(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k := d.kit(t)
		chance := newChance(t)
		config := childConfig{Database: d, FenceAge: bound, Toil: "open", Values: sealFor(t, k, "s", 7)}
		var deeds []deed
		for config.Round = range times(4, 60) {
			deeds = append(deeds, toilAndCrash(t, config, chance, 400*time.Millisecond)...)
		}
		db := d.open(t)
		d.quiet(t, db)
		trail := entries(t, k.Trail, shop)
		checkPeople(t, k, deeds, trail)
		checkServices(t, deeds, readWindows(t, trail))

		later := d.kit(t, vault.WithClock(func() time.Time { return time.Now().Add(time.Hour) }))
		require.NoError(t, later.Vault.Sweep(t.Context()))
		require.Zero(t, d.count(t, db, "SELECT count(*) FROM troth_vault_window WHERE closed_at = 0"))
		unknown := 0
		for _, w := range readWindows(t, entries(t, k.Trail, shop)) {
			require.Len(t, w.closes, 1, "each window ends once")
			if w.closes[0].Outcome == troth.Unknown {
				unknown++
			}
		}
		require.Positive(t, unknown, "no crash left a window open")
	})
}

// checkPeople finds for every opening by a person its own entry.
func checkPeople(t *testing.T, k *kit.Kit, deeds []deed, trail []audit.Record) {
	t.Helper()
	byPurpose := map[troth.Purpose][]audit.Record{}
	for _, r := range trail {
		if r.Act == "vault.open" {
			byPurpose[r.Purpose] = append(byPurpose[r.Purpose], r)
		}
	}
	kim, found, err := k.Trail.ActorPseudonym(t.Context(), troth.Subject{Tenant: shop, ID: "kim"})
	require.NoError(t, err)
	require.True(t, found)
	told := 0
	for _, d := range deeds {
		if !d.Person {
			continue
		}
		told++
		rs := byPurpose[d.Purpose]
		require.Len(t, rs, 1, "entries of the opening for %s", d.Purpose)
		whom, _, err := k.Trail.Pseudonym(t.Context(), troth.Subject{Tenant: shop, ID: d.Subject})
		require.NoError(t, err)
		require.Equal(t, whom, rs[0].Subject)
		require.Equal(t, kim, rs[0].Actor.Person)
		require.Equal(t, int64(1), fact(rs[0], "values").Number())
	}
	require.Positive(t, told, "nothing was opened by a person")
}

// windowTale is all that the trail tells of one window.
type windowTale struct {
	open   audit.Record
	closes []audit.Record
}

func (w windowTale) ofDeed(d deed) bool {
	return w.open.Actor.Service == d.Actor && w.open.Purpose == d.Purpose
}

// readWindows returns the windows in the order in which they were recorded.
func readWindows(t *testing.T, trail []audit.Record) []*windowTale {
	t.Helper()
	byID := map[string]*windowTale{}
	var list []*windowTale
	for _, r := range trail {
		id := fact(r, "window").Text()
		switch r.Act {
		case "vault.window-open":
			require.NotContains(t, byID, id, "one window is opened twice")
			byID[id] = &windowTale{open: r}
			list = append(list, byID[id])
		case "vault.window-close":
			require.Contains(t, byID, id, "a window ends that never began")
			byID[id].closes = append(byID[id].closes, r)
		}
	}
	return list
}

// checkServices finds for every opening by a service a window in which it lies,
// and checks that the windows that were told count no opening too few.
func checkServices(t *testing.T, deeds []deed, windows []*windowTale) {
	t.Helper()
	told := 0
	for _, d := range deeds {
		if d.Person {
			continue
		}
		told++
		inside := false
		for _, w := range windows {
			inside = inside || w.ofDeed(d) && w.open.RecordedAt.UnixMicro() <= d.Ended/1000 &&
				d.Began/1000 <= fact(w.open, "until").Number()
		}
		require.True(t, inside, "an opening by %s for %s lies in no window", d.Actor, d.Purpose)
	}
	require.Positive(t, told, "nothing was opened by a service")
	for i, w := range windows {
		checkCount(t, deeds, windows[:i], w)
	}
}

// checkCount compares what earlier windows of the same service and purpose
// counted with what had been opened by the time when the window began.
func checkCount(t *testing.T, deeds []deed, earlier []*windowTale, w *windowTale) {
	t.Helper()
	var counted int64
	for _, e := range earlier {
		if e.open.Actor != w.open.Actor || e.open.Purpose != w.open.Purpose {
			continue
		}
		if len(e.closes) == 0 {
			return // the crash left its count unknown
		}
		counted += fact(e.closes[0], "values").Number()
	}
	var opened int64
	for _, d := range deeds {
		if w.ofDeed(d) && d.Ended/1000 < w.open.RecordedAt.UnixMicro() {
			opened++
		}
	}
	require.GreaterOrEqual(t, counted, opened, "windows count too few openings")
}

// TestShred_ACrashLeavesAllOfItOrNothing kills a program that shreds.
func TestShred_ACrashLeavesAllOfItOrNothing(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		chance := newChance(t)
		db := d.open(t)
		whole, none := 0, 0
		for round := range times(3, 40) {
			k := d.kit(t)
			values := sealFor(t, k, fmt.Sprintf("%d-", round), 100)
			config := childConfig{Database: d, FenceAge: bound, Toil: "shred", Values: values}
			told := map[string]bool{}
			for _, d := range toilAndCrash(t, config, chance, 150*time.Millisecond) {
				told[d.Subject] = true
			}
			after := d.kit(t)
			d.quiet(t, db)
			evidence := shredEntries(t, after)
			for subject, sealed := range values {
				if (aftermath{t, d, db, after, shop, evidence}).shredded(subject, sealed) {
					whole++
					continue
				}
				none++
				require.False(t, told[subject], "a shredding that had returned is gone")
			}
		}
		require.Positive(t, whole)
		t.Logf("%d shredded, %d not", whole, none)
	})
}

// shredEntries counts the evidence of shredding by whom it concerns.
func shredEntries(t *testing.T, k *kit.Kit) map[audit.Pseudonym]int {
	t.Helper()
	evidence := map[audit.Pseudonym]int{}
	for _, r := range entries(t, k.Trail, shop) {
		if r.Act == "vault.shred" {
			evidence[r.Subject]++
		}
	}
	return evidence
}

// quiet waits until the server has noticed that a program died: what it had
// been asked to do last is done by then, or will never be.
func (d database) quiet(t *testing.T, db *sql.DB) {
	t.Helper()
	if d.dialect() == sqlstore.SQLite {
		return
	}
	require.Eventually(t, func() bool {
		return d.count(t, db, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'`) == 0
	}, patience, 5*time.Millisecond)
}

// aftermath is where to look after a crash.
type aftermath struct {
	*testing.T
	d        database
	db       *sql.DB
	kit      *kit.Kit
	tenant   troth.Tenant
	evidence map[audit.Pseudonym]int
}

// shredded reports whether a person was shredded, and fails unless every part
// of it agrees: key, tombstone, fence, evidence, and what opening gives.
func (a aftermath) shredded(subject string, sealed []byte) bool {
	a.Helper()
	count := func(query string) int { return a.d.count(a, a.db, query, string(a.tenant), subject) }
	key := "SELECT count(*) FROM troth_vault_key WHERE tenant = ? AND subject = ? AND compartment = 'profile' AND "
	whom, found, err := a.kit.Trail.Pseudonym(a.Context(), troth.Subject{Tenant: a.tenant, ID: subject})
	require.NoError(a, err)
	facts := map[string]int{
		"dead key":  count(key + "sealed IS NULL AND shredded_at <> 0"),
		"tombstone": count("SELECT count(*) FROM troth_vault_person WHERE tenant = ? AND subject = ? AND closed_at <> 0"),
		"fence":     count("SELECT count(*) FROM troth_vault_fence WHERE tenant = ? AND subject = ?"),
		"evidence":  0,
	}
	if found {
		facts["evidence"] = a.evidence[whom]
	}
	want := facts["dead key"]
	for name, n := range facts {
		require.Equal(a, want, n, "%s of %s: %v", name, subject, facts)
	}
	require.Equal(a, 1-want, count(key+"sealed IS NOT NULL AND shredded_at = 0"), "living key")
	plain, err := a.kit.Vault.AppendOpen(service(a.Context(), "worker"), nil, emailOf(a.tenant, subject), orders, sealed)
	require.Equal(a, []string{ok, shredded}[want], openedAs(subject, plain, err))
	return want == 1
}
