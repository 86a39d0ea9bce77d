package redact

import (
	"errors"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// core redacts what it is given and passes it on.
type core struct {
	inner zapcore.Core
	rules *rules
	// shut says that a declared namespace is open: nothing in it passes.
	shut bool
}

// NewCore returns a core that redacts entries and fields before inner sees
// them. Whether an entry is logged, and where to, inner decides as before, by
// the redacted entry. It returns an error if inner is nil or an option cannot
// be used.
func NewCore(inner zapcore.Core, opts ...Option) (zapcore.Core, error) {
	if inner == nil {
		return nil, errors.New("redact: the inner core is missing")
	}
	r, err := newRules(opts)
	if err != nil {
		return nil, err
	}
	return &core{inner: inner, rules: r}, nil
}

// Wrap returns [NewCore] as an option of zap's loggers. Give it to zap.New or
// WithOptions, behind options that wrap cores for output and before any fields:
// those that the logger already has are not redacted.
func Wrap(opts ...Option) (zap.Option, error) {
	r, err := newRules(opts)
	if err != nil {
		return nil, err
	}
	return zap.WrapCore(func(inner zapcore.Core) zapcore.Core {
		return &core{inner: inner, rules: r}
	}), nil
}

// Enabled is the inner core's answer.
func (c *core) Enabled(l zapcore.Level) bool { return c.inner.Enabled(l) }

// Level returns the inner core's least level, for zapcore.LevelOf.
func (c *core) Level() zapcore.Level { return zapcore.LevelOf(c.inner) }

// With redacts the fields at once.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	safe, shut := c.rules.fields(fields, c.shut)
	return &core{inner: c.inner.With(safe), rules: c.rules, shut: shut}
}

// Check asks the inner core about the redacted entry: samplers and hooks that
// it has must not see another.
func (c *core) Check(ent zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.inner.Enabled(ent.Level) {
		return ce
	}
	safe := c.rules.entry(ent)
	inner := c.inner.Check(safe, nil)
	if inner == nil {
		return ce
	}
	return ce.AddCore(ent, newChecked(c, ent.Message, safe.Message, inner))
}

// Write redacts and writes, for cores that call it without Check.
func (c *core) Write(ent zapcore.Entry, fields []zapcore.Field) error {
	safe, _ := c.rules.fields(fields, c.shut)
	return c.inner.Write(c.rules.entry(ent), safe)
}

// Sync flushes the inner core.
func (c *core) Sync() error { return c.inner.Sync() }

// entry masks the texts of an entry.
func (r *rules) entry(ent zapcore.Entry) zapcore.Entry {
	ent.Message = r.text(ent.Message)
	ent.LoggerName = r.text(ent.LoggerName)
	ent.Stack = r.text(ent.Stack)
	return ent
}
