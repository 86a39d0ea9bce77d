package redact

import (
	"errors"
	"strings"
	"sync"

	"go.uber.org/zap/zapcore"
)

// checked writes one entry to those cores that agreed to log it. The inner core
// may be a tee or a sampler, whose Write does not ask again; so its answer is
// kept until the entry is written.
type checked struct {
	*core
	given, safe string // the message, so that it is masked once
	inner       *zapcore.CheckedEntry
	failure     []byte
}

var checkedPool = sync.Pool{New: func() any { return new(checked) }}

func newChecked(c *core, given, safe string, inner *zapcore.CheckedEntry) *checked {
	w, ok := checkedPool.Get().(*checked)
	if !ok {
		w = new(checked)
	}
	*w = checked{core: c, given: given, safe: safe, inner: inner}
	return w
}

// Write redacts what was added since Check and writes. zap calls it once.
func (w *checked) Write(ent zapcore.Entry, fields []zapcore.Field) error {
	safe, _ := w.rules.fields(fields, w.shut)
	message := w.safe
	if ent.Message != w.given { // a hook changed it
		message = w.rules.text(ent.Message)
	}
	ent.Message = ""
	ent = w.rules.entry(ent)
	ent.Message = message
	w.inner.Entry = ent
	w.inner.ErrorOutput = (*failures)(w)
	w.inner.Write(safe...)
	err := w.err()
	*w = checked{}
	checkedPool.Put(w)
	return err
}

// err returns what the inner cores reported, masked: zap gives it as text only.
func (w *checked) err() error {
	if len(w.failure) == 0 {
		return nil
	}
	report := strings.TrimSpace(string(w.failure))
	if _, cause, ok := strings.Cut(report, "write error: "); ok {
		report = cause
	}
	return errors.New("redact: write: " + w.rules.text(report))
}

// failures collects what zap reports about a write that failed.
type failures checked

// Write keeps the report.
func (f *failures) Write(report []byte) (int, error) {
	f.failure = append(f.failure, report...)
	return len(report), nil
}

// Sync has nothing to do.
func (f *failures) Sync() error { return nil }
