package vault_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// canary is made up, and nothing else on this machine is likely to hold it.
const canary = "canary.quetzal-7719@harbour-lantern.example"

// needles are the canary and what it looks like when somebody encodes it.
func needles(text string) [][]byte {
	found := [][]byte{[]byte(text), []byte(strings.ToUpper(text)), []byte(url.QueryEscape(text)), utf16(text)}
	for _, b := range [][]byte{[]byte(text), utf16(text)} {
		x := hex.EncodeToString(b)
		found = append(found, []byte(x), []byte(strings.ToUpper(x)))
	}
	// Base64 looks different at each of three offsets; what depends on the
	// neighbours is cut off.
	for shift := range 3 {
		raw := append(make([]byte, shift), text...)
		raw = raw[:len(raw)-len(raw)%3]
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			found = append(found, []byte(e.EncodeToString(raw)[4:]))
		}
	}
	return found
}

func utf16(text string) []byte {
	var b []byte
	for _, r := range []byte(text) {
		b = append(b, r, 0)
	}
	return b
}

// requireClean fails if the bytes hold the canary in any form.
func requireClean(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, n := range needles(canary) {
		require.False(t, bytes.Contains(b, n), "%s holds the canary as %q", where, n)
	}
}

func TestNeedles_FindWhatTheyShould(t *testing.T) {
	for _, around := range []string{"", "x", "xy", "xyz"} {
		text := []byte(around + canary + around)
		for _, hidden := range [][]byte{
			text, []byte(hex.EncodeToString(text)), fmt.Appendf(nil, "%X", text),
			[]byte(base64.StdEncoding.EncodeToString(text)), []byte(base64.URLEncoding.EncodeToString(text)),
		} {
			holds := false
			for _, n := range needles(canary) {
				holds = holds || bytes.Contains(hidden, n)
			}
			require.True(t, holds, "%s", hidden)
		}
	}
}

// TestCanary_IsFoundNowhere sends one e-mail through everything that the vault
// does, and looks for it in logs, errors and all that the database keeps. A
// word of the host's own in the same database shows that the search finds.
func TestCanary_IsFoundNowhere(t *testing.T) {
	const marker = "the host's own word 5521"
	each(t, func(t *testing.T, d database) {
		var log bytes.Buffer
		encoders := []zapcore.Encoder{
			zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
		}
		sink := zapcore.Lock(zapcore.AddSync(&log))
		var cores []zapcore.Core
		for _, e := range encoders {
			cores = append(cores, zapcore.NewCore(e, sink, zapcore.DebugLevel))
		}
		logger := zap.New(zapcore.NewTee(cores...), zap.AddCaller())
		db := d.open(t)
		secrets, err := kit.LocalSecrets(d.Secrets, passphrase)
		require.NoError(t, err)
		k, err := kit.Open(t.Context(), kit.Config{DB: db, Dialect: d.dialect(), Secrets: secrets, Logger: logger})
		require.NoError(t, err)
		_, err = db.Exec(d.dialect().Rebind("CREATE TABLE host_note (body TEXT NOT NULL)"))
		require.NoError(t, err)
		_, err = db.Exec(d.dialect().Rebind("INSERT INTO host_note (body) VALUES (?)"), marker)
		require.NoError(t, err)

		c := &flight{T: t, d: d, db: db, kit: k, log: logger}
		c.fly()
		require.NoError(t, k.Close(t.Context()))
		require.Greater(t, len(c.errs), 12)
		for _, err := range c.errs {
			requireClean(t, "an error", fmt.Appendf(nil, "%v %+v %#v %q", err, err, err, err))
		}
		require.NotEmpty(t, log.Bytes(), "nothing was logged")
		requireClean(t, "the log", log.Bytes())
		require.Contains(t, string(d.dump(t, db)), marker)
		requireClean(t, "the database", d.dump(t, db))
	})
}

// flight is the way of the canary.
type flight struct {
	*testing.T
	d    database
	db   *sql.DB
	kit  *kit.Kit
	log  *zap.Logger
	errs []error
}

// refused keeps the error of a call that must fail.
func (f *flight) refused(plain []byte, err error) {
	f.Helper()
	require.Error(f, err)
	require.Nil(f, plain)
	f.errs = append(f.errs, err)
}

func (f *flight) fly() {
	f.Helper()
	svc, kim := service(f.Context(), "mailer"), person(f.Context(), "kim")
	v, at := f.kit.Vault, emailOf(shop, "1")
	sealed, err := v.AppendSeal(svc, nil, at, []byte(canary))
	require.NoError(f, err)
	batch, err := v.SealBatch(svc, []vault.Item{{At: emailOf(shop, "2"), Data: []byte(canary)}, {At: at, Data: []byte(canary)}})
	require.NoError(f, err)
	for _, ctx := range []context.Context{svc, kim} {
		plain, err := v.AppendOpen(ctx, nil, at, orders, sealed)
		require.NoError(f, err)
		require.Equal(f, canary, string(plain))
		_, err = v.OpenBatch(ctx, orders, []vault.Item{{At: emailOf(shop, "2"), Data: batch[0]}})
		require.NoError(f, err)
		f.flyWrongly(ctx, at, sealed)
	}
	f.flyInHosts(svc, kim, at, sealed)
	f.flyRestricted(svc, kim, at, sealed)
	_, err = v.Shred(kim, erasure, vault.Target{Tenant: shop, SubjectID: "1"})
	require.NoError(f, err)
	f.refused(v.AppendOpen(svc, nil, at, orders, sealed))
	f.refused(v.AppendSeal(svc, nil, at, []byte(canary)))
	f.failTelling(svc)
	require.NoError(f, v.Sweep(svc))
}

// flyWrongly does everything that is refused, with the canary where a careless
// caller might put it.
func (f *flight) flyWrongly(ctx context.Context, at troth.Context, sealed []byte) {
	f.Helper()
	v := f.kit.Vault
	elsewhere := at
	elsewhere.Cell.Column = "phone"
	f.refused(v.AppendOpen(ctx, nil, elsewhere, orders, sealed))
	f.refused(v.AppendOpen(ctx, nil, emailOf(shop, "2"), orders, sealed))
	f.refused(v.AppendOpen(ctx, nil, emailOf("bakery", "1"), orders, sealed))
	f.refused(v.AppendOpen(ctx, nil, at, orders, sealed[:20]))
	f.refused(v.AppendOpen(ctx, nil, at, orders, []byte(canary))) // was never sealed
	f.refused(v.AppendOpen(ctx, nil, at, troth.Purpose("\x00"+canary), sealed))
	bad := at
	bad.Cell.Row = canary + "\n"
	f.refused(v.AppendOpen(ctx, nil, bad, orders, sealed))
	f.refused(v.AppendSeal(ctx, nil, bad, []byte(canary)))
	bad = at
	bad.Subject.ID = canary + "\x7f"
	f.refused(v.AppendSeal(ctx, nil, bad, []byte(canary)))
	_, err := v.OpenBatch(ctx, orders, []vault.Item{{At: at, Data: []byte(canary + canary)}})
	f.refused(nil, err)
	_, err = v.Shred(ctx, troth.Permit{}, vault.Target{Tenant: shop, SubjectID: "1"})
	f.refused(nil, err)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = v.SealBatch(cancelled, []vault.Item{{At: emailOf(shop, "new"), Data: []byte(canary)}})
	f.refused(nil, err)
}

// flyInHosts opens and seals in a transaction that is rolled back.
func (f *flight) flyInHosts(svc, kim context.Context, at troth.Context, sealed []byte) {
	f.Helper()
	require.NoError(f, f.kit.Vault.OpenWindow(svc, shop, orders))
	tx, err := f.db.BeginTx(f.Context(), nil)
	require.NoError(f, err)
	_, err = f.kit.Vault.AppendSeal(f.kit.WithTx(svc, tx), nil, emailOf(shop, "undone"), []byte(canary))
	require.NoError(f, err)
	plain, err := f.kit.Vault.AppendOpen(f.kit.WithTx(svc, tx), nil, at, orders, sealed)
	require.NoError(f, err)
	require.Equal(f, canary, string(plain))
	f.refused(f.kit.Vault.AppendOpen(f.kit.WithTx(kim, tx), nil, at, orders, sealed))
	require.NoError(f, tx.Rollback())
}

// flyRestricted restricts the person and lifts it again.
func (f *flight) flyRestricted(svc, kim context.Context, at troth.Context, sealed []byte) {
	f.Helper()
	v := f.kit.Vault
	r, err := v.Restrict(kim, vault.Restriction{
		Tenant: shop, SubjectID: "1", Except: []troth.Purpose{claims}, Ground: "accuracy-contested",
	})
	require.NoError(f, err)
	for _, ctx := range []context.Context{svc, kim} {
		f.refused(v.AppendOpen(ctx, nil, at, orders, sealed))
		plain, err := v.AppendOpen(ctx, nil, at, claims, sealed)
		require.NoError(f, err)
		require.Equal(f, canary, string(plain))
	}
	_, err = v.Restrict(kim, vault.Restriction{Tenant: shop, SubjectID: canary + "\n", Ground: "g"})
	f.refused(nil, err)
	_, err = v.Restrict(kim, vault.Restriction{Tenant: shop, SubjectID: "1", Ground: canary + "\n"})
	f.refused(nil, err)
	_, err = v.Restrict(kim, vault.Restriction{Tenant: shop, SubjectID: "1", Ground: "g", Except: []troth.Purpose{canary + "\n"}})
	f.refused(nil, err)
	g := grantFor(r)
	g.Announced = time.Now().Add(time.Hour)
	early, err := v.Grant(kim, g)
	require.NoError(f, err)
	_, err = v.Lift(kim, early)
	f.refused(nil, err)
	g, err = v.Grant(kim, grantFor(r))
	require.NoError(f, err)
	_, err = f.db.Exec(f.d.dialect().Rebind("UPDATE troth_vault_grant SET announced_at = 1 WHERE id = ?"), early.Entry[:])
	require.NoError(f, err)
	_, err = v.Lift(kim, early)
	f.refused(nil, err)
	_, err = v.Grants(svc, shop, "1")
	f.refused(nil, err)
	_, err = v.Lift(kim, g)
	require.NoError(f, err)
	f.reconcile(svc)
}

// reconcile finds the grant that was changed, and logs it.
func (f *flight) reconcile(svc context.Context) {
	f.Helper()
	keys, err := vaultsql.New(f.Context(), f.kit.Handle)
	require.NoError(f, err)
	secrets, err := secretsOf(f.d)
	require.NoError(f, err)
	told := make(chan vault.Discrepancy, 100)
	v, err := vault.Open(f.Context(), vault.Config{
		Store: keys, KEK: secrets.KEK, Epochs: secrets.Epochs, Journal: secrets.Journal, Recorder: f.kit.Trail, Evidence: kit.Evidence(f.kit.Trail),
	}, vault.WithLogger(f.log), vault.WithWindow(time.Second), vault.WithDiscrepancies(func(d vault.Discrepancy) { told <- d }))
	require.NoError(f, err)
	ctx, cancel := context.WithCancel(svc)
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	d := <-told
	cancel()
	require.ErrorIs(f, <-ended, context.Canceled)
	require.Equal(f, vault.GrantForged, d.Kind)
	requireClean(f.T, "a discrepancy", fmt.Appendf(nil, "%v %+v %#v", d, d, d))
	require.NoError(f, v.Close(svc))
}

// failTelling makes Run meet a database that has gone, and say so in the log.
func (f *flight) failTelling(svc context.Context) {
	f.Helper()
	pool := f.d.open(f)
	secrets, err := kit.LocalSecrets(f.d.Secrets, passphrase)
	require.NoError(f, err)
	lost, err := kit.Open(f.Context(), kit.Config{
		DB: pool, Dialect: f.d.dialect(), Secrets: secrets, Logger: f.log,
	}, vault.WithFenceAge(500*time.Millisecond))
	require.NoError(f, err)
	at := emailOf(shop, "lost")
	sealed, err := lost.Vault.AppendSeal(svc, nil, at, []byte(canary))
	require.NoError(f, err)
	require.NoError(f, pool.Close())
	ctx, cancel := context.WithTimeout(svc, time.Second)
	defer cancel()
	require.ErrorIs(f, lost.Run(ctx), context.DeadlineExceeded)
	f.refused(lost.Vault.AppendOpen(svc, nil, at, orders, sealed))
}

// dump returns all that a database keeps: the bytes of SQLite's files, or every
// value of every column of every table.
func (d database) dump(t *testing.T, db *sql.DB) []byte {
	t.Helper()
	if d.Driver == "sqlite" {
		source, err := url.Parse(d.DSN)
		require.NoError(t, err)
		var all []byte
		for _, suffix := range []string{"", "-wal", "-shm"} { // all are there while the database is open
			b, err := os.ReadFile(source.Path + suffix)
			require.NoError(t, err)
			require.NotEmpty(t, b)
			all = append(all, b...)
		}
		return all
	}
	var all []byte
	for _, table := range texts(t, db, `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name)
		FROM information_schema.tables WHERE table_type = 'BASE TABLE'
		AND (table_schema <> 'information_schema' AND table_schema !~ '^pg_')`) {
		all = append(all, values(t, db, "SELECT * FROM "+table)...) //nolint:unqueryvet // every column is to be searched
	}
	return all
}

func texts(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		list = append(list, s)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, list)
	return list
}

// values returns what a query gives, bytes as they are.
func values(t *testing.T, db *sql.DB, query string) (all []byte) {
	t.Helper()
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	row, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		require.NoError(t, rows.Scan(into...))
		for _, v := range row {
			if b, isBytes := v.([]byte); isBytes {
				all = append(all, b...)
			} else {
				all = fmt.Append(all, v)
			}
			all = append(all, '\n')
		}
	}
	require.NoError(t, rows.Err())
	return all
}
