package vault_test

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// What renews, moves, gives away and takes in keys tells neither plaintext nor
// keys, in errors, evidence, logs and rows.
func TestCanary_KeysThatMove(t *testing.T) {
	w := newWorld(t)
	k := w.kms(ourKey)
	core, logs := observer.New(zapcore.DebugLevel)
	c := &cage{t: t}
	v := w.vault(vault.WithLogger(zap.New(core)))
	at := emailOf(shop, "42", profile)
	l := w.letters()
	require.NoError(t, l.rows.Put(w.ctx, 0, letter{atRow(at, "0"), string(w.seal(v, atRow(at, "0"), canary))}))
	foreign := randomKey()

	c.fails(v.NewGeneration(w.ctx, troth.Subject{Tenant: shop, ID: "43"}, profile))
	w.renew(v, at)
	run := l.run()
	run.WriteBack = func(context.Context, troth.Context, []byte, []byte) (bool, error) { return false, errors.New("down") }
	c.fails(v.Reencrypt(w.ctx, run))
	did, err := v.Reencrypt(w.ctx, l.run())
	require.NoError(t, err)
	require.Equal(t, 1, did.Written)
	c.fails(v.RetireKey(w.ctx, erasure, retirementOf(at, 1)))
	c.fails(v.MoveTenant(w.ctx, shop, "kms://nowhere"))
	w.move(v, shop, ourKey)
	k.keys[ourKey].revoke()
	c.fails(w.vault().AppendOpen(w.ctx, nil, atRow(at, "0"), orders, []byte(l.sealed(0))))
	k.keys[ourKey].restore()
	i := importOf(at, handleOf(t, 7, foreign))
	stop := w.rec.failOn()
	c.fails(v.ImportKeyset(w.ctx, token, i))
	c.fails(v.InsecureExportCleartextKeyset(w.ctx, token, exportOf(at)))
	stop()
	_, err = v.ImportKeyset(w.ctx, token, i)
	require.NoError(t, err)
	c.fails(v.ImportKeyset(w.ctx, token, importOf(emailOf(shop, "42", invoice), handleOf(t, 7, randomKey()))))
	e := exportOf(at)
	e.Under = newKMSKey(t)
	out, err := v.ExportKeyset(w.ctx, token, e)
	require.NoError(t, err)
	c.fails(v.InsecureOpenForeign(w.ctx, nil, at, orders, vault.Foreign{Data: []byte(canary)}))

	c.look(v, out, i, w.store, l.sealed(0))
	var keys []string
	rows, err := w.store.Keys(w.ctx, nameOf(at))
	require.NoError(t, err)
	require.Len(t, rows, 4)
	for _, row := range rows {
		c.look(row)
		raw, err := v.RawKey(w.ctx, row)
		require.NoError(t, err)
		keys = append(keys, string(raw), hex.EncodeToString(raw))
	}
	c.look(w.allRoots(shop))
	for _, e := range w.rec.committed(t) {
		c.look(e, e.Facts)
	}
	for _, l := range logs.All() {
		c.look(l, l.ContextMap())
	}
	c.search()
	for _, text := range c.seen {
		for _, key := range keys {
			require.NotContains(t, strings.ToLower(text), strings.ToLower(key))
		}
	}
}

func atRow(at troth.Context, row string) troth.Context {
	at.Cell.Row = row
	return at
}

func (l *letters) sealed(n int64) string {
	row, _, _ := l.rows.Get(l.w.ctx, n)
	return row.sealed
}
