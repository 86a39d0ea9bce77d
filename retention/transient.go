package retention

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
)

// ErrTransient says that somebody tried to encode or store what is processed and never
// kept, or used it after its end.
var ErrTransient = errors.New("retention: transient content is not kept")

// Transient is content that is processed in memory and never stored, while the function
// given to [Keeper.Transient] runs. No encoder takes it: JSON, text, binary, gob and
// database/sql get [ErrTransient], and fmt, slog and zap print a placeholder.
type Transient struct {
	mu      sync.Mutex
	content []byte
	ended   bool
}

// transientText is what a Transient prints as.
const transientText = "[transient]"

// Use calls fn with the content, which is fn's only while it runs: it must not keep it,
// nor a part of it, and must not store it. It returns [ErrTransient] after the end.
func (t *Transient) Use(fn func(content []byte) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return ErrTransient
	}
	return fn(t.content)
}

// end overwrites the content. What fn copied, and what the runtime moved, it does not
// reach.
func (t *Transient) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.content)
	t.content, t.ended = nil, true
}

// String returns a placeholder.
func (t *Transient) String() string { return transientText }

// GoString returns a placeholder.
func (t *Transient) GoString() string { return transientText }

// Format writes a placeholder for every verb.
func (t *Transient) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, transientText) }

// LogValue gives a placeholder to slog.
func (t *Transient) LogValue() slog.Value { return slog.StringValue(transientText) }

// MarshalLogObject gives a placeholder to zap.
func (t *Transient) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("value", transientText)
	return nil
}

// MarshalJSON returns ErrTransient.
func (t *Transient) MarshalJSON() ([]byte, error) { return nil, ErrTransient }

// MarshalText returns ErrTransient.
func (t *Transient) MarshalText() ([]byte, error) { return nil, ErrTransient }

// MarshalBinary returns ErrTransient.
func (t *Transient) MarshalBinary() ([]byte, error) { return nil, ErrTransient }

// GobEncode returns ErrTransient.
func (t *Transient) GobEncode() ([]byte, error) { return nil, ErrTransient }

// Value returns ErrTransient to database/sql.
func (t *Transient) Value() (driver.Value, error) { return nil, ErrTransient }

// Passing is one piece of content that passes through.
type Passing struct {
	Tenant troth.Tenant
	// Class is a class of the policy with zero retention.
	Class string
	// SubjectID is the person whom it is about; empty where that is not known.
	SubjectID string
	// Content is overwritten with zeros when it ends, whatever happens.
	Content []byte
}

// Transient has content of a class with zero retention processed: it calls fn, and then
// overwrites the content, also if fn fails or panics. That it began is recorded and
// committed before fn is called, and how it ended after, both in transactions of their
// own: a beginning without an end is a program that died, and its memory with it. Where
// the beginning cannot be recorded the content is overwritten, and fn is not called.
//
// It returns fn's error, and [ErrKept] where the active policy keeps something of the
// class.
func (k *Keeper) Transient(ctx context.Context, p Passing, fn func(ctx context.Context, t *Transient) error) (err error) {
	t := &Transient{content: p.Content}
	defer t.end()
	h, err := k.history(ctx)
	if err != nil {
		return err
	}
	policy, ok := h.transient(p.Class, k.now())
	if !ok {
		return ErrKept
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return err
	}
	e := troth.Entry{Tenant: p.Tenant, SubjectID: p.SubjectID, Facts: troth.Facts{
		"passing": troth.ID(rand.Text()), "class": troth.Word(p.Class), "policy": troth.Digest(policy),
	}}
	apart := k.tx.Detach(ctx)
	if err := k.passing(apart, actPassing, e); err != nil {
		return err
	}
	how := "failed" // or fn panics
	defer func() {
		e.Facts = maps.Clone(e.Facts)
		e.Facts["how"] = troth.Word(how)
		t.end() // before anybody reads that it has ended
		err = errors.Join(err, k.passing(context.WithoutCancel(apart), actPassed, e))
	}()
	if err = fn(ctx, t); err == nil {
		how = "done"
	}
	return err
}

func (k *Keeper) passing(ctx context.Context, act *troth.Act, e troth.Entry) error {
	e.Act = act
	return k.tx.Atomically(ctx, func(ctx context.Context) error { return k.record(ctx, e) })
}

// ErrKept says that the policy keeps something of a class, so that nothing of it is
// transient.
var ErrKept = errors.New("retention: the policy keeps something of that class")

// transient reports whether nothing of a class is kept by the version in force.
func (h *History) transient(class string, at time.Time) (policy [32]byte, ok bool) {
	i := h.active(at)
	if i < 0 {
		return policy, false
	}
	c := h.versions[i].classes[class]
	return h.versions[i].hash, c != nil && c.zero
}

// Attestation is what the keeper can say about a class of which nothing is kept. It says
// what went through the keeper: that nothing was stored past it is for the host to show,
// as by a canary.
type Attestation struct {
	Tenant troth.Tenant
	Class  string
	// Policy is the hash of the version in force at At; since Since the policy has kept
	// nothing of the class without a break.
	Policy    [32]byte
	Since, At time.Time
	// Begun and Ended count pieces of content; the difference is what is under way, or
	// was when a program died. Failed are those of Ended whose processing failed.
	Begun, Ended, Failed int64
	// Registered counts records of the class that the keeper has, of all tenants. More
	// than none were left by a version that kept them, and are destroyed by the next
	// sweeps.
	Registered int64
}

// AttestTransient says what is known about a class of which nothing is kept, by the trail,
// the policy and the records. It needs [WithEvidence]. It returns [ErrKept] where the
// active policy keeps something of the class.
func (k *Keeper) AttestTransient(ctx context.Context, tenant troth.Tenant, class string) (Attestation, error) {
	a := Attestation{Tenant: tenant, Class: class, At: k.now()}
	if k.opt.evidence == nil {
		return a, errors.New("retention: attest needs the option WithEvidence")
	}
	h, err := k.history(ctx)
	if err != nil {
		return a, err
	}
	var ok bool
	if a.Policy, ok = h.transient(class, a.At); !ok {
		return a, ErrKept
	}
	for i := h.active(a.At); i >= 0; i-- {
		if c := h.versions[i].classes[class]; c == nil || !c.zero {
			break
		}
		a.Since = h.versions[i].from.UTC()
	}
	for act, count := range map[*troth.Act]*int64{actPassing: &a.Begun, actPassed: &a.Ended} {
		for f, err := range k.opt.evidence.Acts(ctx, tenant, act.Name) {
			if err != nil {
				return a, fmt.Errorf("retention: read the trail: %w", err)
			}
			if f["class"].Text() != class {
				continue
			}
			*count++
			if f["how"].Text() == "failed" {
				a.Failed++
			}
		}
	}
	a.Registered, err = k.CountRecords(ctx, Count{Class: class})
	return a, err
}
