package redact

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// nameless is the key of what replaces fields that have none.
const nameless = "inline"

// fields returns the fields without personal data, and whether a declared
// namespace is open behind them. Fields that need no change cost nothing, and
// the slice given is never written to.
func (r *rules) fields(in []zapcore.Field, shut bool) ([]zapcore.Field, bool) {
	for i := range in {
		if !shut && r.passes(&in[i]) {
			continue
		}
		out := append(make([]zapcore.Field, 0, len(in)+1), in[:i]...)
		for _, f := range in[i:] {
			out, shut = r.guarded(out, f, shut)
		}
		return out, shut
	}
	return in, shut
}

// passes tells whether a field is plain and holds nothing to be masked.
func (r *rules) passes(f *zapcore.Field) bool {
	switch f.Type {
	case zapcore.StringType:
		if r.text(f.String) != f.String {
			return false
		}
	case zapcore.Int64Type, zapcore.Uint64Type, zapcore.Float64Type:
		var buf [numberSize]byte
		if isCard(appendNumber(buf[:0], f)) {
			return false
		}
	case zapcore.BoolType, zapcore.DurationType, zapcore.Float32Type,
		zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type,
		zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type:
	case zapcore.TimeType:
		if _, ok := f.Interface.(*time.Location); !ok && f.Interface != nil {
			return false
		}
	default:
		return false
	}
	return !r.declared(f.Key) && r.text(f.Key) == f.Key
}

// guarded adds the redacted field to out. What cannot be read is replaced.
func (r *rules) guarded(out []zapcore.Field, f zapcore.Field, shut bool) (res []zapcore.Field, nowShut bool) {
	defer func() {
		if recover() != nil { // what add has begun to append is left behind
			f.Key = r.text(f.Key)
			res = append(res, out...)
			res = append(res, unreadable(f))
			nowShut = shut
		}
	}()
	return r.add(out, f, shut, 0)
}

// unreadable replaces a field whose value could not be inspected.
func unreadable(f zapcore.Field) zapcore.Field {
	if v := reflect.ValueOf(f.Interface); v.Kind() == reflect.Pointer && v.IsNil() {
		return zap.String(keyOf(f), "<nil>") // as zap says it
	}
	return zap.String(keyOf(f), Unreadable)
}

func keyOf(f zapcore.Field) string {
	if f.Key == "" || f.Type == zapcore.InlineMarshalerType {
		return nameless
	}
	return f.Key
}

// add appends the redacted field, and more if zap would: an error's causes, an
// object's failure. It panics where a value's methods do.
func (r *rules) add(out []zapcore.Field, f zapcore.Field, shut bool, depth int) ([]zapcore.Field, bool) {
	if f.Type == zapcore.SkipType {
		return r.addTrace(out, f), shut
	}
	declared := r.declared(f.Key)
	f.Key = r.text(f.Key)
	switch {
	case f.Type == zapcore.NamespaceType:
		return append(out, f), shut || declared
	case shut || declared:
		return append(out, zap.String(keyOf(f), r.markDeclared(f))), shut
	case f.Type == zapcore.InlineMarshalerType:
		return r.addInline(out, f, depth)
	}
	safe, err := r.value(f, depth)
	out = append(out, safe)
	if err != nil {
		out = append(out, zap.String(f.Key+"Error", r.text(err.Error())))
	}
	return out, shut
}

// value returns the redacted field under the same key. An error is that of an
// object or array which could not give all of itself.
func (r *rules) value(f zapcore.Field, depth int) (zapcore.Field, error) {
	switch f.Type {
	case zapcore.BoolType, zapcore.DurationType, zapcore.Float32Type,
		zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type,
		zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type, zapcore.UintptrType:
		return f, nil
	case zapcore.Int64Type, zapcore.Uint64Type, zapcore.Float64Type:
		if digits := number(f); isCard(digits) {
			return zap.String(f.Key, r.mark(Card, digits)), nil
		}
		return f, nil
	case zapcore.StringType:
		return zap.String(f.Key, r.text(f.String)), nil
	case zapcore.ByteStringType:
		return r.bytes(f), nil
	case zapcore.BinaryType:
		return r.binary(f), nil
	case zapcore.StringerType:
		return zap.String(f.Key, r.text(f.Interface.(fmt.Stringer).String())), nil //nolint:forcetypeassert // guarded replaces the field
	case zapcore.ErrorType:
		return zap.NamedError(f.Key, r.freeze(f.Interface.(error), depth)), nil //nolint:forcetypeassert // as above
	case zapcore.ObjectMarshalerType:
		return r.object(f.Key, f.Interface.(zapcore.ObjectMarshaler), depth) //nolint:forcetypeassert // as above
	case zapcore.ArrayMarshalerType:
		return r.array(f.Key, f.Interface.(zapcore.ArrayMarshaler), depth) //nolint:forcetypeassert // as above
	case zapcore.ReflectType:
		return r.reflected(f.Key, f.Interface, depth), nil
	case zapcore.TimeType, zapcore.TimeFullType, zapcore.Complex128Type, zapcore.Complex64Type:
		if holdsItsType(f) {
			return f, nil
		}
	case zapcore.UnknownType, zapcore.NamespaceType, zapcore.SkipType, zapcore.InlineMarshalerType:
	}
	return unreadable(f), nil
}

// holdsItsType tells whether a field made by hand will be encoded as what it
// says it is.
func holdsItsType(f zapcore.Field) bool {
	var ok bool
	switch f.Type { //nolint:exhaustive // the types that keep a value of their own in Interface
	case zapcore.TimeType:
		_, ok = f.Interface.(*time.Location)
		ok = ok || f.Interface == nil
	case zapcore.TimeFullType:
		_, ok = f.Interface.(time.Time)
	case zapcore.Complex128Type:
		_, ok = f.Interface.(complex128)
	case zapcore.Complex64Type:
		_, ok = f.Interface.(complex64)
	}
	return ok
}

func (r *rules) bytes(f zapcore.Field) zapcore.Field {
	given := string(f.Interface.([]byte)) //nolint:forcetypeassert // guarded replaces the field
	if safe := r.text(given); safe != given {
		return zap.String(f.Key, safe)
	}
	return f
}

// binary replaces bytes in which there are shapes whole, because an encoder may
// write them in a form that nobody can look through.
func (r *rules) binary(f zapcore.Field) zapcore.Field {
	given := string(f.Interface.([]byte)) //nolint:forcetypeassert // guarded replaces the field
	if r.text(given) != given {
		return zap.String(f.Key, r.mark(Redacted, given))
	}
	return f
}

// number returns a whole number in decimal.
func number(f zapcore.Field) string { return string(appendNumber(nil, &f)) }

// numberSize is enough for every number but the greatest floating ones, which no
// card has.
const numberSize = 24

// appendNumber writes a number out in digits, a floating one as far as it is whole.
func appendNumber(b []byte, f *zapcore.Field) []byte {
	switch f.Type {
	case zapcore.Uint64Type:
		return strconv.AppendUint(b, uint64(f.Integer), 10)
	case zapcore.Float64Type:
		v := math.Float64frombits(uint64(f.Integer))
		if v != math.Trunc(v) || math.Abs(v) > 1<<63 {
			return b
		}
		return strconv.AppendFloat(b, v, 'f', 0, 64)
	default:
		return strconv.AppendInt(b, f.Integer, 10)
	}
}
