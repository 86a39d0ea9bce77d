package vault_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

const canary = "canary.bird+17@mine.example"

// cage collects everything that may be seen outside of the vault.
type cage struct {
	t    *testing.T
	seen []string
}

func (c *cage) look(things ...any) {
	for _, thing := range things {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			c.seen = append(c.seen, fmt.Sprintf(format, thing))
		}
		if err, ok := thing.(error); ok {
			for ; err != nil; err = errors.Unwrap(err) {
				c.seen = append(c.seen, err.Error())
			}
		}
	}
}

// fails takes the error of a call that must fail.
func (c *cage) fails(result any, err error) {
	c.t.Helper()
	require.Error(c.t, err)
	c.look(result, err)
}

func (c *cage) search() {
	c.t.Helper()
	sum := 0
	for _, text := range c.seen {
		sum += len(text)
		for _, form := range canaryForms() {
			require.NotContains(c.t, strings.ToLower(text), strings.ToLower(form))
		}
	}
	require.Greater(c.t, sum, 10_000, "there was something to search")
}

// canaryForms are the canary as it is, in hex and in base64 at each of the
// three alignments, and as a slice of bytes prints.
func canaryForms() []string {
	forms := []string{canary, hex.EncodeToString([]byte(canary)), strings.Trim(fmt.Sprint([]byte(canary)), "[]")}
	for shift := range 3 {
		padded := append(make([]byte, shift), canary...)
		text := base64.RawStdEncoding.EncodeToString(padded)
		forms = append(forms, text[4:len(text)-4])
	}
	return forms
}

func TestCanary_NothingOutsideTheVaultHoldsPlaintext(t *testing.T) {
	w := newWorld(t)
	core, logs := observer.New(zapcore.DebugLevel)
	c := &cage{t: t}
	errFollow := error(nil)
	store := &hooked{Backend: w.store, follow: func(_ context.Context, _ int64, f vault.Followed) (vault.Followed, error) {
		return f, errFollow
	}}
	v := w.vaultOn(store, vault.WithLogger(zap.New(core)), vault.WithWindow(time.Second))
	clock := w.fakeMono(v)
	at := emailOf(shop, "42", profile)
	clerk := asPerson(t.Context(), "clerk-1")
	plain := []byte(canary)

	sealed, err := v.AppendSeal(w.ctx, nil, at, plain)
	require.NoError(t, err)
	h, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	_, err = h.AppendSeal(w.ctx, nil, at.Cell, plain)
	require.NoError(t, err)
	items := []vault.Item{{At: at, Data: plain}, {At: emailOf(bakery, "1", invoice), Data: plain}}
	batch, err := v.SealBatch(w.ctx, items)
	require.NoError(t, err)
	_, err = v.MAC(w.ctx, someKey, plain)
	require.NoError(t, err)
	for _, ctx := range []context.Context{w.ctx, clerk} {
		got, err := v.AppendOpen(ctx, nil, at, orders, sealed)
		require.NoError(t, err)
		require.Equal(t, canary, string(got))
		_, err = v.OpenBatch(ctx, orders, []vault.Item{{At: items[0].At, Data: batch[0]}, {At: items[1].At, Data: batch[1]}})
		require.NoError(t, err)
	}
	_, err = h.AppendOpen(w.ctx, nil, at.Cell, sealed)
	require.NoError(t, err)

	c.failures(clerk, w, v, h, at, sealed)
	errFollow = errDown
	clock.advance(bound)
	_, err = v.AppendSeal(w.ctx, nil, at, plain)
	require.NoError(t, err)
	require.NotZero(t, logs.Len(), "the failed look is logged")
	clock.advance(1)
	c.fails(v.AppendSeal(w.ctx, nil, at, plain))
	errFollow = nil
	stop := w.rec.failOn("vault.window-close")
	c.fails(nil, v.Sweep(w.ctx))
	stop()

	receipt := w.shred(v, personOf(shop, "42"))
	c.fails(v.AppendSeal(w.ctx, nil, at, plain))
	c.fails(h.AppendSeal(w.ctx, nil, at.Cell, plain))
	require.NoError(t, v.Close(w.ctx))
	c.fails(v.AppendSeal(w.ctx, nil, at, plain))
	c.look(v, h, receipt, sealed, w.store)
	for _, e := range w.rec.committed(t) {
		c.look(e, e.Facts)
	}
	for _, l := range logs.All() {
		c.look(l, l.ContextMap())
	}
	c.rows(w, at)
	c.search()
}

// failures goes the ways on which something is refused.
func (c *cage) failures(clerk context.Context, w *world, v *vault.Vault, h *vault.Handle, at troth.Context, sealed []byte) {
	c.t.Helper()
	plain := []byte(canary)
	bad := at
	bad.Cell.Row = ""
	c.fails(v.AppendSeal(w.ctx, nil, bad, plain))
	c.fails(h.AppendSeal(w.ctx, nil, bad.Cell, plain))
	c.fails(v.SealBatch(w.ctx, []vault.Item{{At: bad, Data: plain}}))
	c.fails(v.AppendOpen(w.ctx, nil, at, orders, plain))
	moved := at
	moved.Cell.Row = "43"
	for _, ctx := range []context.Context{w.ctx, clerk, c.t.Context()} {
		c.fails(v.AppendOpen(ctx, nil, moved, orders, sealed))
		c.fails(v.OpenBatch(ctx, orders, []vault.Item{{At: moved, Data: sealed}}))
	}
	c.fails(v.AppendOpen(w.ctx, nil, at, "~", sealed))
	stop := w.rec.failOn()
	c.fails(v.AppendOpen(clerk, nil, at, orders, sealed))
	c.fails(v.AppendOpen(w.ctx, nil, at, "another", sealed))
	c.fails(v.Shred(w.ctx, erasure, personOf(shop, "42")))
	stop()
	c.fails(v.Shred(w.ctx, troth.Permit{}, personOf(shop, "42")))
	tx, err := w.db.Begin(w.ctx)
	require.NoError(c.t, err)
	inTx := w.db.WithTx(w.ctx, tx)
	c.fails(v.AppendOpen(troth.WithActor(inTx, troth.Actor{Kind: troth.Person, ID: "clerk-1"}), nil, at, orders, sealed))
	c.look(inTx)
	require.NoError(c.t, tx.Rollback())
	c.fails(v.AppendSeal(inTx, nil, emailOf(shop, "new", profile), plain))
	require.ErrorIs(c.t, lookup(v.AppendSeal(inTx, nil, emailOf(shop, "new", profile), plain)), troth.ErrTxDone)
}

// rows looks at everything that is stored.
func (c *cage) rows(w *world, at troth.Context) {
	c.t.Helper()
	for _, name := range []vault.KeyName{nameOf(at), nameOf(emailOf(bakery, "1", invoice))} {
		rows, err := w.store.Keys(w.ctx, name)
		require.NoError(c.t, err)
		require.NotEmpty(c.t, rows)
		c.look(rows)
	}
	for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
		c.look(w.rootRow(shop, l))
	}
	events, err := w.store.Follow(w.ctx, 0)
	require.NoError(c.t, err)
	require.NotEmpty(c.t, events.Events)
	c.look(events)
	windows, err := w.store.LapsedWindows(w.ctx, time.Now().Add(24*time.Hour).UnixMicro(), 100)
	require.NoError(c.t, err)
	c.look(windows)
}

func TestCanary_FormsAreFound(t *testing.T) {
	for _, text := range []string{
		base64.StdEncoding.EncodeToString([]byte("a" + canary + "bc")),
		base64.StdEncoding.EncodeToString([]byte("ab" + canary)),
		base64.StdEncoding.EncodeToString([]byte("abc" + canary)),
		fmt.Sprintf("%+v", struct{ b []byte }{[]byte("x" + canary)}),
		fmt.Sprintf("%x", "x"+canary),
	} {
		found := false
		for _, form := range canaryForms() {
			found = found || strings.Contains(text, form)
		}
		require.True(t, found, text)
	}
}
