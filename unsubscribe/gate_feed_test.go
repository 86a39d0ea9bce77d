package unsubscribe_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// TestGate_AgreesWithTheRegistry records at random in two processes, and compares the
// gates of both, one in memory and one in database mode, with what the registry says
// of each address: after looks, merges, loads from file and store, and changes of
// keys.
func TestGate_AgreesWithTheRegistry(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newGateWorld(t)
	file := filepath.Join(t.TempDir(), "index")
	a, b := w.loaded(unsubscribe.WithIndexFile(file)), w.loaded(unsubscribe.WithDatabaseMode())
	addresses := []string{
		"ada@gmail.com", "a.da@gmail.com", "ada+x@googlemail.com", "Ada@a.example", "ada@a.example", "bob@b.example", "eve@c.example",
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	steps := 50
	if os.Getenv("TROTH_LONG") != "" {
		steps = 1000
	}
	var kept []unsubscribe.Recipient
	for _, address := range addresses {
		kept = append(kept, a.keysOf(address))
	}
	for range steps {
		p := []*gateProcess{a, b}[r.IntN(2)]
		tenant := troth.Tenant(pick("acme", "other"))
		address, list := pick(addresses...), pick("letter", "second")
		scope := []unsubscribe.Scope{unsubscribe.List, unsubscribe.Client, unsubscribe.Everything}[r.IntN(3)]
		if scope != unsubscribe.List {
			list = ""
		}
		var err error
		switch r.IntN(12) {
		case 0:
			_, err = p.Report(p.ctx, unsubscribe.ReportParams{
				Tenant: tenant, Channel: unsubscribe.Email, Address: troth.Protect(address), Scope: scope, List: list,
				Kind: []unsubscribe.Kind{unsubscribe.KindBounce, unsubscribe.KindComplaint}[r.IntN(2)], Provider: "mailer",
			})
		case 1, 2, 3:
			_, err = p.OptOut(p.ctx, unsubscribe.OptOutParams{
				Tenant: tenant, Channel: unsubscribe.Email, Address: troth.Protect(address), Scope: scope, List: list,
				Method: unsubscribe.ByPage,
			})
		case 4, 5, 6:
			_, _ = p.OptIn(p.ctx, unsubscribe.OptInParams{ // where it has nothing to lift it is refused
				Tenant: tenant, Channel: unsubscribe.Email, Address: troth.Protect(address), Scope: scope, List: list,
				Method: unsubscribe.ByConfirmation, Reference: "receipt-1",
			})
		case 7:
			err = a.gate.Merge()
		case 8:
			err = a.gate.Load(a.ctx)
		case 9:
			err = a.gate.Save(a.ctx)
		case 10:
			if r.IntN(4) == 0 {
				_, err = p.Rekey(p.ctx, troth.Tenant(pick("acme", "other", string(troth.Platform))))
			}
		default:
			require.NoError(t, os.RemoveAll(file))
		}
		require.NoError(t, err)
		a.clock.Add(int64(time.Minute)) // the index is too old
		for _, c := range campaigns() {
			requireAgreement(t, c, addresses, kept, a, b)
		}
	}
	require.Zero(t, a.gate.Pending())
}

func requireAgreement(t *testing.T, c unsubscribe.Campaign, addresses []string, kept []unsubscribe.Recipient, gates ...*gateProcess) {
	t.Helper()
	var all []unsubscribe.Recipient
	for _, address := range addresses {
		all = append(all, gateTo(address))
	}
	if c.Tenant == gateAcme {
		all = append(all, kept...)
	}
	for _, p := range gates {
		for i, v := range p.filter(c, all...) {
			address := addresses[i%len(addresses)]
			want, err := p.Check(p.ctx, c, troth.Protect(address))
			require.NoError(t, err)
			d := v.Decision
			d.At, d.Event = want.At, want.Event
			require.Equal(t, want, d, "%s %v", address, c)
		}
	}
}

func campaigns() (all []unsubscribe.Campaign) {
	for _, tenant := range []troth.Tenant{gateAcme, gateOther} {
		for _, list := range []string{"letter", "second"} {
			for _, class := range unsubscribe.Classes() {
				all = append(all, unsubscribe.Campaign{Tenant: tenant, List: list, Channel: unsubscribe.Email, Class: class})
			}
		}
	}
	return all
}

// TestGate_KeysThatChange: who was blocked stays blocked under keys that a host kept
// from before, or made a moment ago, also where the gate has not heard of the change.
func TestGate_KeysThatChange(t *testing.T) {
	w := newGateWorld(t)
	a, b := w.loaded(), w.loaded(unsubscribe.WithIndexAge(time.Hour))
	a.optOut("ada@a.example", unsubscribe.Client)
	a.optOut("bob@a.example", unsubscribe.Everything)
	require.NoError(t, b.gate.Look(b.ctx))
	before := []unsubscribe.Recipient{b.keysOf("ada@a.example"), b.keysOf("bob@a.example"), b.keysOf("eve@a.example")}
	permit := b.filter(gateLetter, before[2])[0].Permit()
	for _, registry := range []troth.Tenant{gateAcme, troth.Platform} {
		_, err := a.Rekey(a.ctx, registry)
		require.NoError(t, err)
	}
	a.optOut("eve@a.example", unsubscribe.Client) // under the new keys
	after := []unsubscribe.Recipient{b.keysOf("ada@a.example"), b.keysOf("bob@a.example"), b.keysOf("eve@a.example")}
	require.NotEqual(t, before[0].Keys, after[0].Keys)
	for _, all := range [][]unsubscribe.Recipient{before, after, {gateTo("ada@a.example"), gateTo("bob@a.example"), gateTo("eve@a.example")}} {
		for _, v := range b.filter(gateLetter, all...) {
			require.False(t, v.Send)
		}
	}
	d, err := b.gate.Confirm(b.ctx, permit)
	require.NoError(t, err)
	require.False(t, d[0].Send)
}

// TestGate_KeysThatChangeInTheMiddle has a change of keys between the two reads of
// database mode.
func TestGate_KeysThatChangeInTheMiddle(t *testing.T) {
	w := newGateWorld(t)
	a, b := w.loaded(), w.loaded(unsubscribe.WithDatabaseMode())
	a.optOut("ada@a.example", unsubscribe.Everything)
	once := false
	change := func() {
		if !once {
			once = true
			_, err := a.Rekey(a.ctx, troth.Platform)
			require.NoError(t, err)
		}
	}
	b.store.after.Store(&change)
	require.False(t, b.filter(gateLetter, gateTo("ada@a.example"))[0].Send)
	require.True(t, once)
}

// TestGate_AGapIsReadAnew: where the feed has a gap, as after a restore, nobody is let
// through before everything was read again.
func TestGate_AGapIsReadAnew(t *testing.T) {
	w := newGateWorld(t)
	a, b := w.loaded(), w.loaded()
	a.optOut("ada@a.example", unsubscribe.Client)
	b.clock.Add(int64(time.Minute))
	b.store.gap.Store(true)
	pages := b.store.pages.Load()
	_, err := b.gate.Ask(b.ctx, gateLetter, gateTo("ada@a.example"))
	require.ErrorIs(t, err, unsubscribe.ErrStale)
	_, err = b.gate.Ask(b.ctx, gateLetter, gateTo("nobody@a.example"))
	require.ErrorIs(t, err, unsubscribe.ErrStale, "also within the bound")
	require.Greater(t, b.store.pages.Load(), pages, "everything was read")
	b.store.gap.Store(false)
	require.False(t, b.ask("ada@a.example").Send)
}

// TestGate_Run follows without being asked, merges nothing small, and writes the file
// once it is due.
func TestGate_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGateWorld(t)
		file := filepath.Join(t.TempDir(), "index")
		a, b := w.loaded(), w.process(nil, unsubscribe.WithIndexFile(file), unsubscribe.WithIndexAge(2*time.Second))
		start := time.Now()
		b.gate.SetMono(func() int64 { return int64(time.Since(start)) })
		done := make(chan error)
		ctx, stop := contextWithCancel(b)
		go func() { done <- b.gate.Run(ctx) }()
		synctest.Wait()
		b.ctx = ctx
		require.True(t, b.ask("ada@a.example").Send, "it loads by itself")

		a.optOut("ada@a.example", unsubscribe.Client)
		for i := range 5000 { // which is enough to merge
			a.optOut(fmt.Sprint(i, "@a.example"), unsubscribe.Client)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // the bound itself, on the bubble's clock
		synctest.Wait()
		entries, changed := b.gate.Entries()
		require.Equal(t, 5001, entries)
		require.Zero(t, changed)
		require.NoFileExists(t, file)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // when the file is due
		synctest.Wait()
		require.FileExists(t, file)
		stop()
		require.ErrorIs(t, <-done, ctx.Err())
	})
}

// Before a gate is loaded it keeps what may not be committed, and not much more.
func TestGate_WhatEndedBeforeLoadingIsForgotten(t *testing.T) {
	p := newGateWorld(t).process(nil)
	for i := range 3_000 {
		p.optOut(fmt.Sprint(i, "@a.example"), unsubscribe.Client)
	}
	require.Less(t, p.gate.Pending(), 1_100)
	require.NoError(t, p.gate.Load(p.ctx))
	for i := range 3_000 {
		require.False(t, p.ask(fmt.Sprint(i, "@a.example")).Send, i)
	}
}
