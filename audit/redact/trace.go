package redact

import (
	"context"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Keys and lengths of trace ids, W3C Trace Context section 3.2.2.
const (
	traceKey    = "trace_id"
	spanKey     = "span_id"
	traceDigits = 32
	spanDigits  = 16
)

// carrier brings a context to the core.
type carrier struct{ ctx context.Context }

// Context returns a field for which the core writes "trace_id" and "span_id",
// as [WithTrace] reads them from ctx; without that option, without ids and in
// other cores it writes nothing. Give it once, to With or to an entry.
func Context(ctx context.Context) zap.Field {
	return zap.Field{Type: zapcore.SkipType, Interface: carrier{ctx}}
}

// addTrace adds the ids if f is a context's field. They are checked to be
// nothing else, and therefore not masked; a declared name is declared here too.
func (r *rules) addTrace(out []zapcore.Field, f zapcore.Field) []zapcore.Field {
	c, ok := f.Interface.(carrier)
	if !ok || c.ctx == nil || r.trace == nil {
		return out
	}
	trace, span := r.ids(c.ctx)
	if !isID(trace, traceDigits) {
		return out
	}
	out = append(out, r.id(traceKey, trace))
	if isID(span, spanDigits) {
		out = append(out, r.id(spanKey, span))
	}
	return out
}

func (r *rules) id(key, id string) zapcore.Field {
	f := zap.String(key, id)
	if r.declared(key) {
		f.String = r.markDeclared(f)
	}
	return f
}

// ids asks the host's function, which must not take the entry with it.
func (r *rules) ids(ctx context.Context) (trace, span string) {
	defer func() {
		if recover() != nil {
			trace, span = "", ""
		}
	}()
	return r.trace(ctx)
}

// isID tells whether s is so many hexadecimal digits in lower case, and not all
// zero.
func isID(s string, digits int) bool {
	if len(s) != digits {
		return false
	}
	zero := true
	for i := range len(s) {
		if !isDigit(s[i]) && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
		zero = zero && s[i] == '0'
	}
	return !zero
}
