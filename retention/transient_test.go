package retention_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/faultstore"
)

// uploads is content with a class of which nothing is kept.
func uploads(t testing.TB) *retention.Policy {
	return changed(t, content(t), func(p *retention.Policy) {
		p.Classes = append(p.Classes, retention.Class{Name: "uploads", Title: "Uploads", Records: []string{"upload"}, ZeroRetention: true})
	})
}

const canary = "canary-7f3a@made-up.example"

// leaks reports whether the canary stands in text, also in the usual encodings.
func leaks(text string) bool {
	for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func newTransient(t *testing.T) *kept {
	t.Helper()
	w := newKept(t, nil)
	w.k = w.keeper(retention.WithEvidence(trailOf{w.notes}), retention.WithRecords("upload", retention.Registration{Handler: w.files}))
	w.files.keeper = w.k
	require.NoError(t, w.k.Activate(w.officer(), uploads(t)))
	return w
}

func TestTransient_IsProcessedAndGone(t *testing.T) {
	w := newTransient(t)
	content := []byte("a file of " + canary)
	var left *retention.Transient
	p := retention.Passing{Tenant: ours, Class: "uploads", SubjectID: "p", Content: content}
	found := 0
	require.NoError(t, w.k.Transient(w.ctx, p, func(_ context.Context, c *retention.Transient) error {
		left = c
		require.Len(t, w.notes.of(t, "retention.passing"), 1, "committed before")
		return c.Use(func(content []byte) error {
			found = bytes.Count(content, []byte("@"))
			return nil
		})
	}))
	require.Equal(t, 1, found)
	require.Equal(t, make([]byte, len(content)), content, "overwritten")
	require.ErrorIs(t, left.Use(func([]byte) error { return nil }), retention.ErrTransient)

	broken := errors.New("not a table")
	p.Content = []byte(canary)
	require.ErrorIs(t, w.k.Transient(w.ctx, p, func(context.Context, *retention.Transient) error { return broken }), broken)
	require.Zero(t, bytes.Trim(p.Content, "\x00"))
	p.Content = []byte(canary)
	require.Panics(t, func() {
		_ = w.k.Transient(w.ctx, p, func(context.Context, *retention.Transient) error { panic("out of memory") })
	})
	require.Empty(t, bytes.Trim(p.Content, "\x00"))

	// What begins and never ends is a program that died.
	p.Content = []byte(canary)
	a, err := w.k.AttestTransient(w.ctx, ours, "uploads")
	require.NoError(t, err)
	require.Equal(t, retention.Attestation{
		Tenant: ours, Class: "uploads", Policy: uploads(t).Hash(), Since: day(t, "2020-01-01").Truncate(24 * time.Hour), At: w.now,
		Begun: 3, Ended: 3, Failed: 2,
	}, a)
	other, err := w.k.AttestTransient(w.ctx, "other", "uploads")
	require.NoError(t, err)
	require.Zero(t, other.Begun)

	for _, act := range []string{"retention.passing", "retention.passed"} {
		for _, e := range w.notes.of(t, act) {
			require.False(t, leaks(fmt.Sprintf("%+v", e)), act)
		}
	}
	require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: fileKey("1")}))
	upload := retention.RecordKey{Tenant: ours, Type: "upload", ID: "1"}
	require.ErrorIs(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: upload}), retention.ErrNotKept, "nothing of it is ever registered")
}

func TestTransient_NoEncoderTakesIt(t *testing.T) {
	w := newTransient(t)
	p := retention.Passing{Tenant: ours, Class: "uploads", Content: []byte(canary)}
	require.NoError(t, w.k.Transient(w.ctx, p, func(_ context.Context, c *retention.Transient) error {
		for _, v := range []any{c, struct{ C *retention.Transient }{c}, []any{c}, map[string]any{"c": c}} {
			_, err := json.Marshal(v)
			require.ErrorIs(t, err, retention.ErrTransient)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				require.False(t, leaks(fmt.Sprintf(verb, v)), verb)
			}
		}
		_, err := c.Value()
		require.ErrorIs(t, err, retention.ErrTransient)
		_, err = c.MarshalText()
		require.ErrorIs(t, err, retention.ErrTransient)
		_, err = c.MarshalBinary()
		require.ErrorIs(t, err, retention.ErrTransient)
		require.ErrorIs(t, gob.NewEncoder(io.Discard).Encode(c), retention.ErrTransient)
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", c)
		core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.InfoLevel)
		zap.New(core).Info("x", zap.Any("c", c), zap.Reflect("d", c))
		require.False(t, leaks(out.String()), out.String())
		require.Contains(t, out.String(), "[transient]")
		return nil
	}))
}

func TestTransient_NeedsAClassOfWhichNothingIsKept(t *testing.T) {
	w := newTransient(t)
	called := func(context.Context, *retention.Transient) error { t.Error("called"); return nil }
	for _, class := range []string{"content", "unheard", ""} {
		p := retention.Passing{Tenant: ours, Class: class, Content: []byte(canary)}
		require.ErrorIs(t, w.k.Transient(w.ctx, p, called), retention.ErrKept)
		require.Empty(t, bytes.Trim(p.Content, "\x00"), "and it is gone all the same")
		_, err := w.k.AttestTransient(w.ctx, ours, class)
		require.ErrorIs(t, err, retention.ErrKept)
	}
	p := retention.Passing{Tenant: ours, Class: "uploads", Content: []byte(canary)}
	require.ErrorIs(t, w.k.Transient(t.Context(), p, called), troth.ErrNoActor)
}

// Where the beginning cannot be recorded nothing is processed.
func TestTransient_WithoutEvidenceIsNotProcessed(t *testing.T) {
	w := newTransient(t)
	plan := faultstore.NewPlan()
	tx := faultstore.Transactor(w.db, plan)
	k, err := retention.New(w.ctx, retention.Config{Store: faultyTx{w.store, tx}, Recorder: sharedNotes{w.notes, tx}},
		retention.WithRecords("file", retention.Registration{Handler: w.files}), retention.WithRecords("upload", retention.Registration{Handler: w.files}))
	require.NoError(t, err)
	calls := len(plan.Calls())
	p := retention.Passing{Tenant: ours, Class: "uploads", Content: []byte(canary)}
	require.NoError(t, k.Transient(w.ctx, p, func(context.Context, *retention.Transient) error { return nil }))
	begin := plan.Calls()[calls]
	plan.Add(faultstore.Injection{Method: begin.Method, Nth: begin.Nth + 2, Fault: faultstore.FailBefore})
	p.Content = []byte(canary)
	err = k.Transient(w.ctx, p, func(context.Context, *retention.Transient) error { t.Error("called"); return nil })
	require.ErrorIs(t, err, faultstore.ErrInjected)
	require.Empty(t, bytes.Trim(p.Content, "\x00"))
}

// faultyTx is a store that gives out another transactor.
type faultyTx struct {
	retention.Backend
	tx troth.Transactor
}

func (f faultyTx) Transactor() troth.Transactor { return f.tx }
