package task

import (
	"context"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
)

// recently is over how long a rate is measured.
const recently = time.Hour

// Progress is how far a tenant's work is. It can be logged as a field of zap.
type Progress struct {
	Tenant troth.Tenant
	// At is the instant by the service's clock.
	At time.Time
	// Counts are by kind and state, in that order of names; what there is none
	// of is left out.
	Counts []Count
	// Open and Ended add them up; Manual are those of Open that wait for a
	// person.
	Open, Manual, Ended int
	// Oldest is since when the work has been due that has waited longest, the
	// zero time if none waits.
	Oldest time.Time
	// PerHour is how many ended in the last hour.
	PerHour int
	// Left is how long what is open, but for what waits for a person, takes at
	// that rate; negative if nothing moves.
	Left time.Duration
}

// Progress counts a tenant's tasks. It looks at each of them that is remembered.
func (e *Engine) Progress(ctx context.Context, tenant troth.Tenant) (Progress, error) {
	if err := tenant.Validate(); err != nil {
		return Progress{}, err
	}
	now := e.opt.now()
	counts, err := e.store.Counts(ctx, CountSince{Tenant: tenant, Since: now.Add(-recently).UnixMicro()})
	if err != nil {
		return Progress{}, wrap("counts", err)
	}
	p := Progress{Tenant: tenant, At: now, Counts: counts}
	oldest := int64(0)
	for _, c := range counts {
		p.PerHour += c.Recent
		switch {
		case !c.State.Open():
			p.Ended += c.N
			continue
		case c.State == Manual:
			p.Manual += c.N
		case c.Oldest != 0 && (oldest == 0 || c.Oldest < oldest):
			oldest = c.Oldest
		}
		p.Open += c.N
	}
	p.Oldest = instant(oldest)
	p.Left = left(p.Open-p.Manual, p.PerHour)
	return p, nil
}

// left is how long so much work takes at a rate.
func left(open, perHour int) time.Duration {
	switch {
	case open == 0:
		return 0
	case perHour == 0:
		return -1
	}
	return time.Duration(float64(open) / float64(perHour) * float64(time.Hour))
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (p Progress) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("tenant", string(p.Tenant))
	enc.AddInt("open", p.Open)
	enc.AddInt("manual", p.Manual)
	enc.AddInt("ended", p.Ended)
	enc.AddInt("per_hour", p.PerHour)
	enc.AddDuration("left", p.Left)
	if !p.Oldest.IsZero() {
		enc.AddTime("oldest", p.Oldest)
	}
	return enc.AddObject("kinds", kinds(p.Counts))
}

// kinds are counts as an object of objects.
type kinds []Count

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (ks kinds) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for at := 0; at < len(ks); {
		kind, from := ks[at].Kind, at
		for at < len(ks) && ks[at].Kind == kind {
			at++
		}
		if err := enc.AddObject(kind, states(ks[from:at])); err != nil {
			return err
		}
	}
	return nil
}

type states []Count

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (ss states) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for _, c := range ss {
		enc.AddInt(string(c.State), c.N)
	}
	return nil
}
