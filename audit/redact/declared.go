package redact

import (
	"fmt"
	"math"
	"reflect"
	"strconv"

	"go.uber.org/zap/zapcore"
)

// markDeclared returns what replaces the value of a declared field. Without
// tokens no method of the value is called.
func (r *rules) markDeclared(f zapcore.Field) string {
	if r.key == nil {
		return Redacted
	}
	if text, ok := scalar(f); ok {
		return r.mark(Redacted, text)
	}
	return Redacted
}

// scalar returns a value as text; objects, arrays and what fails have none.
func scalar(f zapcore.Field) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	switch v := f.Interface.(type) {
	case nil:
	case []byte:
		return string(v), true
	case error:
		return v.Error(), true
	case fmt.Stringer:
		return v.String(), f.Type != zapcore.TimeType // there it is the zone
	default:
		return basic(v)
	}
	switch f.Type { //nolint:exhaustive // the types that keep their value elsewhere than in Interface
	case zapcore.StringType:
		return f.String, true
	case zapcore.Float64Type:
		return strconv.FormatFloat(math.Float64frombits(uint64(f.Integer)), 'g', -1, 64), true
	case zapcore.Float32Type:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(f.Integer))), 'g', -1, 32), true
	case zapcore.BoolType, zapcore.DurationType, zapcore.TimeType,
		zapcore.Int64Type, zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type,
		zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type, zapcore.UintptrType:
		return number(f), true
	}
	return "", false
}

// basic prints a value of a basic kind, in the way of the typed fields.
func basic(v any) (string, bool) {
	switch reflect.ValueOf(v).Kind() { //nolint:exhaustive // the basic kinds
	case reflect.String, reflect.Bool, reflect.Float64, reflect.Float32,
		reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8,
		reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return fmt.Sprint(v), true
	}
	return "", false
}
