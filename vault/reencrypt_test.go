package vault_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

// letters is a host's own table of sealed values, in the same database.
type letters struct {
	w    *world
	rows *memory.Table[int64, letter]
	// calls counts write-backs; fail stands in their way.
	calls int
	fail  func(call int) error
}

type letter struct {
	at     troth.Context
	sealed string
}

func (w *world) letters() *letters {
	return &letters{w: w, rows: memory.NewTable[int64, letter](w.db, cmp.Compare[int64])}
}

// add seals a letter of the person, who has as many as are added.
func (l *letters) add(v *vault.Vault, tenant troth.Tenant, subject string) int64 {
	l.w.t.Helper()
	all, err := l.rows.Scan(l.w.ctx, nil, 0, nil)
	require.NoError(l.w.t, err)
	n := int64(len(all))
	at := emailOf(tenant, subject, profile)
	at.Cell.Row = strconv.FormatInt(n, 10)
	require.NoError(l.w.t, l.rows.Put(l.w.ctx, n, letter{at, string(l.w.seal(v, at, textOf(n)))}))
	return n
}

func textOf(n int64) string { return fmt.Sprintf("letter %d", n) }

// run is a reencryption in pages of ten.
func (l *letters) run() vault.Reencryption {
	return vault.Reencryption{Purpose: "key-renewal", Page: l.page, WriteBack: l.writeBack}
}

func (l *letters) page(ctx context.Context, after string) (items []vault.Item, next string, err error) {
	behind := int64(-1)
	if after != "" {
		if behind, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, "", err
		}
	}
	rows, err := l.rows.Scan(ctx, &behind, 10, nil)
	for _, r := range rows {
		items = append(items, vault.Item{At: r.Value.at, Data: []byte(r.Value.sealed)})
		next = strconv.FormatInt(r.Key, 10)
	}
	return items, next, err
}

func (l *letters) writeBack(ctx context.Context, at troth.Context, old, sealed []byte) (bool, error) {
	l.calls++
	if l.fail != nil {
		if err := l.fail(l.calls); err != nil {
			return false, err
		}
	}
	n, err := strconv.ParseInt(at.Cell.Row, 10, 64)
	if err != nil {
		return false, err
	}
	row, found, err := l.rows.Get(ctx, n)
	if err != nil || !found || row.sealed != string(old) {
		return false, err
	}
	row.sealed = string(sealed)
	return true, l.rows.Put(ctx, n, row)
}

// generations counts the letters by generation, and opens each.
func (l *letters) generations(v *vault.Vault, lost ...int64) map[uint32]int {
	l.w.t.Helper()
	rows, err := l.rows.Scan(l.w.ctx, nil, 0, nil)
	require.NoError(l.w.t, err)
	count := map[uint32]int{}
	for _, r := range rows {
		if len(lost) > 0 && r.Key == lost[0] {
			lost = lost[1:]
			continue
		}
		l.w.opens(v, r.Value.at, []byte(r.Value.sealed), textOf(r.Key))
		count[l.w.generationOf(r.Value.at, []byte(r.Value.sealed))]++
	}
	return count
}

func TestReencrypt_WritesEachOldValueOnce(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	for i := range 25 {
		l.add(v, shop, fmt.Sprint(i%3))
		l.add(v, bakery, "1")
	}
	for _, s := range []string{"0", "1"} {
		w.renew(v, emailOf(shop, s, profile))
	}
	newer := l.add(v, shop, "0")
	require.Equal(t, map[uint32]int{1: 50, 2: 1}, l.generations(v))

	// A process that has not heard of the generations learns of them first.
	did, err := w.vault().Reencrypt(w.ctx, l.run())
	require.NoError(t, err)
	require.Equal(t, vault.Reencrypted{
		Values: 51, Written: 17, Newest: 34, Next: strconv.FormatInt(newer, 10), Done: true,
	}, did)
	require.Equal(t, map[uint32]int{1: 33, 2: 18}, l.generations(v))
	require.Equal(t, 17, l.calls)

	did, err = v.Reencrypt(w.ctx, l.run())
	require.NoError(t, err)
	require.Equal(t, 51, did.Newest)
	require.Equal(t, 17, l.calls, "nothing is written twice")

	var told int64
	for _, e := range w.rec.committed(t, "vault.reencrypt") {
		require.Equal(t, shop, e.Tenant)
		require.EqualValues(t, "key-renewal", e.Purpose)
		told += e.Facts["values"].Number()
	}
	require.EqualValues(t, 17, told)
}

// What is opened on the way is told like every opening.
func TestReencrypt_IsAnOpening(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	for range 12 {
		l.add(v, shop, "42")
	}
	w.renew(v, emailOf(shop, "42", profile))
	_, err := v.Reencrypt(w.ctx, l.run())
	require.NoError(t, err)
	require.NoError(t, v.CloseWindows(w.ctx))
	closes := w.rec.committed(t, "vault.window-close")
	require.Len(t, closes, 1)
	require.EqualValues(t, "key-renewal", closes[0].Purpose)
	require.EqualValues(t, 12, closes[0].Facts["values"].Number())

	w.renew(v, emailOf(shop, "42", profile))
	_, err = v.Reencrypt(asPerson(t.Context(), "kim"), l.run())
	require.NoError(t, err)
	require.Len(t, w.rec.committed(t, "vault.open"), 12)
	require.Equal(t, map[uint32]int{3: 12}, l.generations(v))
}

func TestReencrypt_BreaksOffAndGoesOn(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	for range 35 {
		l.add(v, shop, "42")
	}
	w.renew(v, emailOf(shop, "42", profile))
	run := l.run()
	run.Pages = 1
	did, err := v.Reencrypt(w.ctx, run)
	require.NoError(t, err)
	require.Equal(t, vault.Reencrypted{Values: 10, Written: 10, Next: "9"}, did)

	// The host fails in the middle of the third page: nothing of that page is
	// written, and nothing recorded.
	crash := errors.New("crash")
	l.fail = func(call int) error {
		if call == 25 {
			return crash
		}
		return nil
	}
	run.Pages, run.After = 0, did.Next
	did, err = v.Reencrypt(w.ctx, run)
	require.ErrorIs(t, err, crash)
	require.Equal(t, vault.Reencrypted{Values: 10, Written: 10, Next: "19"}, did)
	require.Equal(t, map[uint32]int{1: 15, 2: 20}, l.generations(v))
	require.Len(t, w.rec.committed(t, "vault.reencrypt"), 2)

	// No evidence, no act.
	l.fail = nil
	stop := w.rec.failOn("vault.reencrypt")
	did, err = v.Reencrypt(w.ctx, run)
	require.ErrorIs(t, err, errRecorder)
	require.Equal(t, "19", did.Next, "a page without old values is done all the same")
	require.Equal(t, map[uint32]int{1: 15, 2: 20}, l.generations(v))
	stop()

	// From the beginning, as after a crash that lost the cursor.
	did, err = v.Reencrypt(w.ctx, l.run())
	require.NoError(t, err)
	require.True(t, did.Done)
	require.Equal(t, 15, did.Written)
	require.Equal(t, map[uint32]int{2: 35}, l.generations(v))
}

// Somebody changes a value while it is being sealed anew; another is gone, one
// is damaged, one belongs to somebody who was shredded.
func TestReencrypt_WhatItCannotDo(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	for range 4 {
		l.add(v, shop, "42")
	}
	l.add(v, shop, "43")
	w.renew(v, emailOf(shop, "42", profile))
	w.shred(v, personOf(shop, "43"))
	bad, _, err := l.rows.Get(w.ctx, 2)
	require.NoError(t, err)
	bad.sealed = bad.sealed[:8] + "?" + bad.sealed[9:]
	require.NoError(t, l.rows.Put(w.ctx, 2, bad))
	run := l.run()
	page := run.Page
	run.Page = func(ctx context.Context, after string) (items []vault.Item, next string, err error) {
		items, next, err = page(ctx, after)
		if after == "" { // after the host read it, and before it is written back
			changed, _, _ := l.rows.Get(ctx, 1)
			changed.sealed = string(w.seal(v, changed.at, textOf(1)))
			require.NoError(t, l.rows.Put(ctx, 1, changed))
			_, err := l.rows.Delete(ctx, 3)
			require.NoError(t, err)
		}
		return items, next, err
	}
	skipped := map[string]error{}
	run.Skipped = func(at troth.Context, err error) { skipped[at.Cell.Row] = err }
	did, err := v.Reencrypt(w.ctx, run)
	require.NoError(t, err)
	require.Equal(t, vault.Reencrypted{Values: 5, Written: 1, Lost: 2, Shredded: 1, Unopened: 1, Next: "4", Done: true}, did)
	require.Len(t, skipped, 2)
	require.ErrorIs(t, skipped["2"], vault.ErrOpen)
	require.ErrorIs(t, skipped["4"], vault.ErrShredded)
	require.Equal(t, map[uint32]int{2: 2}, l.generations(v, 2, 4))
}

// Two processes do it at once: each value is written once, and opens.
func TestReencrypt_InTwoProcesses(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	for i := range 200 {
		l.add(v, shop, fmt.Sprint(i%7))
	}
	_, err := v.RenewKeys(w.ctx, shop, vault.Renewal{OlderThan: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	done := make(chan vault.Reencrypted)
	for range 2 {
		go func() {
			other := w.vault()
			mine := &letters{w: w, rows: l.rows}
			did, err := other.Reencrypt(w.ctx, mine.run())
			if err != nil {
				t.Error(err)
			}
			done <- did
		}()
	}
	a, b := <-done, <-done
	require.Equal(t, 200, a.Written+b.Written)
	require.Zero(t, a.Unopened+b.Unopened)
	require.Equal(t, map[uint32]int{2: 200}, l.generations(v))
}

func TestReencrypt_Refuses(t *testing.T) {
	w := newWorld(t)
	v, l := w.vault(), w.letters()
	l.add(v, shop, "42")
	for _, r := range []vault.Reencryption{
		{},
		{Purpose: "p", Page: l.page},
		{Purpose: "p", WriteBack: l.writeBack},
		{Page: l.page, WriteBack: l.writeBack},
	} {
		_, err := v.Reencrypt(w.ctx, r)
		require.Error(t, err)
	}
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := v.Reencrypt(ctx, l.run())
		require.ErrorIs(t, err, vault.ErrOpenInTx)
		return nil
	}))
	w.renew(v, emailOf(shop, "42", profile))
	_, err := v.Reencrypt(t.Context(), l.run())
	require.ErrorIs(t, err, troth.ErrNoActor)
	require.NoError(t, v.Close(w.ctx))
	_, err = v.Reencrypt(w.ctx, l.run())
	require.ErrorIs(t, err, vault.ErrClosed)
}
