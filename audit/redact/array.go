package redact

import (
	"math"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// array is what an array gave, redacted: fields without keys.
type array []zapcore.Field

// MarshalLogArray replays the elements.
func (a array) MarshalLogArray(enc zapcore.ArrayEncoder) error {
	for _, f := range a {
		if err := replay(enc, f); err != nil {
			return err
		}
	}
	return nil
}

// replay appends an element; those types only that elements are recorded as.
func replay(enc zapcore.ArrayEncoder, f zapcore.Field) error {
	switch f.Type {
	case zapcore.BoolType:
		enc.AppendBool(f.Integer == 1)
	case zapcore.StringType:
		enc.AppendString(f.String)
	case zapcore.Int64Type:
		enc.AppendInt64(f.Integer)
	case zapcore.Uint64Type:
		enc.AppendUint64(uint64(f.Integer))
	case zapcore.UintptrType:
		enc.AppendUintptr(uintptr(f.Integer))
	case zapcore.Float64Type:
		enc.AppendFloat64(math.Float64frombits(uint64(f.Integer)))
	case zapcore.Float32Type:
		enc.AppendFloat32(math.Float32frombits(uint32(f.Integer)))
	case zapcore.DurationType:
		enc.AppendDuration(time.Duration(f.Integer))
	default:
		return replayHeld(enc, f.Interface)
	}
	return nil
}

// replayHeld appends an element that is held as it is.
func replayHeld(enc zapcore.ArrayEncoder, v any) error {
	switch v := v.(type) {
	case time.Time:
		enc.AppendTime(v)
	case complex128:
		enc.AppendComplex128(v)
	case complex64:
		enc.AppendComplex64(v)
	case object:
		return enc.AppendObject(v)
	case array:
		return enc.AppendArray(v)
	default: // nil and numbers of JSON
		return enc.AppendReflected(v)
	}
	return nil
}

// array asks m for its elements, once.
func (r *rules) array(key string, m zapcore.ArrayMarshaler, depth int) (zapcore.Field, error) {
	if depth >= maxDepth {
		return zap.String(key, Unreadable), errTooDeep
	}
	rec := &arrayRecorder{rules: r, depth: depth + 1}
	err := m.MarshalLogArray(rec)
	return zapcore.Field{Key: key, Type: zapcore.ArrayMarshalerType, Interface: array(rec.elements)}, err
}

// arrayRecorder is to arrays what objectRecorder is to objects.
type arrayRecorder struct {
	rules    *rules
	elements []zapcore.Field
	depth    int
}

func (a *arrayRecorder) add(f zapcore.Field) {
	safe, _ := a.rules.value(f, a.depth) // only objects and arrays fail; they are not added here
	a.elements = append(a.elements, safe)
}

// AppendArray records an array in the array.
func (a *arrayRecorder) AppendArray(m zapcore.ArrayMarshaler) error {
	f, err := a.rules.array("", m, a.depth)
	a.elements = append(a.elements, f)
	return err
}

// AppendObject records an object in the array.
func (a *arrayRecorder) AppendObject(m zapcore.ObjectMarshaler) error {
	f, err := a.rules.object("", m, a.depth)
	a.elements = append(a.elements, f)
	return err
}

// AppendReflected records what v is in JSON.
func (a *arrayRecorder) AppendReflected(v any) error {
	a.add(zapcore.Field{Type: zapcore.ReflectType, Interface: v})
	return nil
}

// AppendTime records a time as it is: a field would split it.
func (a *arrayRecorder) AppendTime(v time.Time) {
	a.add(zapcore.Field{Type: zapcore.TimeFullType, Interface: v})
}

// Small numbers are recorded as large ones, which encoders write alike.

func (a *arrayRecorder) AppendBool(v bool)              { a.add(zap.Bool("", v)) }
func (a *arrayRecorder) AppendByteString(v []byte)      { a.add(zap.String("", string(v))) }
func (a *arrayRecorder) AppendComplex128(v complex128)  { a.add(zap.Complex128("", v)) }
func (a *arrayRecorder) AppendComplex64(v complex64)    { a.add(zap.Complex64("", v)) }
func (a *arrayRecorder) AppendDuration(v time.Duration) { a.add(zap.Duration("", v)) }
func (a *arrayRecorder) AppendFloat64(v float64)        { a.add(zap.Float64("", v)) }
func (a *arrayRecorder) AppendFloat32(v float32)        { a.add(zap.Float32("", v)) }
func (a *arrayRecorder) AppendInt(v int)                { a.add(zap.Int("", v)) }
func (a *arrayRecorder) AppendInt64(v int64)            { a.add(zap.Int64("", v)) }
func (a *arrayRecorder) AppendInt32(v int32)            { a.add(zap.Int64("", int64(v))) }
func (a *arrayRecorder) AppendInt16(v int16)            { a.add(zap.Int64("", int64(v))) }
func (a *arrayRecorder) AppendInt8(v int8)              { a.add(zap.Int64("", int64(v))) }
func (a *arrayRecorder) AppendString(v string)          { a.add(zap.String("", v)) }
func (a *arrayRecorder) AppendUint(v uint)              { a.add(zap.Uint("", v)) }
func (a *arrayRecorder) AppendUint64(v uint64)          { a.add(zap.Uint64("", v)) }
func (a *arrayRecorder) AppendUint32(v uint32)          { a.add(zap.Uint64("", uint64(v))) }
func (a *arrayRecorder) AppendUint16(v uint16)          { a.add(zap.Uint64("", uint64(v))) }
func (a *arrayRecorder) AppendUint8(v uint8)            { a.add(zap.Uint64("", uint64(v))) }
func (a *arrayRecorder) AppendUintptr(v uintptr)        { a.add(zap.Uintptr("", v)) }
