package redact

import (
	"errors"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// maxDepth is how deeply values may be nested. A value that holds itself would
// end the program.
const maxDepth = 64

var errTooDeep = errors.New("nested too deeply")

// object is what an object gave, redacted. It can be encoded any number of times.
type object []zapcore.Field

// MarshalLogObject replays the fields.
func (o object) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	for i := range o {
		o[i].AddTo(enc)
	}
	return nil
}

// object asks m for its fields, once.
func (r *rules) object(key string, m zapcore.ObjectMarshaler, depth int) (zapcore.Field, error) {
	if depth >= maxDepth {
		return zap.String(key, Unreadable), errTooDeep
	}
	rec := &objectRecorder{rules: r, depth: depth + 1}
	err := m.MarshalLogObject(rec)
	return zapcore.Field{Key: key, Type: zapcore.ObjectMarshalerType, Interface: object(rec.fields)}, err
}

// addInline adds an object's fields to those around it. A namespace that it
// opens stays open, as in zap.
func (r *rules) addInline(out []zapcore.Field, f zapcore.Field, depth int) ([]zapcore.Field, bool) {
	rec := &objectRecorder{rules: r, depth: depth + 1}
	err := f.Interface.(zapcore.ObjectMarshaler).MarshalLogObject(rec) //nolint:forcetypeassert // guarded replaces the field
	out = append(out, rec.fields...)
	if err != nil {
		out = append(out, zap.String(f.Key+"Error", r.text(err.Error())))
	}
	return out, rec.shut
}

// objectRecorder is the encoder that objects are asked with. What it is given
// it redacts at once and keeps.
type objectRecorder struct {
	rules  *rules
	fields []zapcore.Field
	shut   bool
	depth  int
}

func (o *objectRecorder) add(f zapcore.Field) {
	o.fields, o.shut = o.rules.add(o.fields, f, o.shut, o.depth)
}

// hides adds a marker in the place of a value that must not be asked.
func (o *objectRecorder) hides(f zapcore.Field) bool {
	if !o.shut && !o.rules.declared(f.Key) {
		return false
	}
	o.add(f)
	return true
}

// AddArray records an array. As in zap its error goes to the object around it.
func (o *objectRecorder) AddArray(key string, m zapcore.ArrayMarshaler) error {
	if o.hides(zapcore.Field{Key: key, Type: zapcore.ArrayMarshalerType, Interface: m}) {
		return nil
	}
	f, err := o.rules.array(o.rules.text(key), m, o.depth)
	o.fields = append(o.fields, f)
	return err
}

// AddObject records an object, as AddArray does.
func (o *objectRecorder) AddObject(key string, m zapcore.ObjectMarshaler) error {
	if o.hides(zapcore.Field{Key: key, Type: zapcore.ObjectMarshalerType, Interface: m}) {
		return nil
	}
	f, err := o.rules.object(o.rules.text(key), m, o.depth)
	o.fields = append(o.fields, f)
	return err
}

// AddReflected records what v is in JSON.
func (o *objectRecorder) AddReflected(key string, v any) error {
	o.add(zapcore.Field{Key: key, Type: zapcore.ReflectType, Interface: v})
	return nil
}

// OpenNamespace records that what follows stands in a namespace.
func (o *objectRecorder) OpenNamespace(key string) { o.add(zap.Namespace(key)) }

// Each of the other methods records one value.

func (o *objectRecorder) AddBinary(key string, v []byte) { o.add(zap.Binary(key, v)) }

func (o *objectRecorder) AddByteString(key string, v []byte)      { o.add(zap.String(key, string(v))) }
func (o *objectRecorder) AddBool(key string, v bool)              { o.add(zap.Bool(key, v)) }
func (o *objectRecorder) AddComplex128(key string, v complex128)  { o.add(zap.Complex128(key, v)) }
func (o *objectRecorder) AddComplex64(key string, v complex64)    { o.add(zap.Complex64(key, v)) }
func (o *objectRecorder) AddDuration(key string, v time.Duration) { o.add(zap.Duration(key, v)) }
func (o *objectRecorder) AddFloat64(key string, v float64)        { o.add(zap.Float64(key, v)) }
func (o *objectRecorder) AddFloat32(key string, v float32)        { o.add(zap.Float32(key, v)) }
func (o *objectRecorder) AddInt(key string, v int)                { o.add(zap.Int(key, v)) }
func (o *objectRecorder) AddInt64(key string, v int64)            { o.add(zap.Int64(key, v)) }
func (o *objectRecorder) AddInt32(key string, v int32)            { o.add(zap.Int32(key, v)) }
func (o *objectRecorder) AddInt16(key string, v int16)            { o.add(zap.Int16(key, v)) }
func (o *objectRecorder) AddInt8(key string, v int8)              { o.add(zap.Int8(key, v)) }
func (o *objectRecorder) AddString(key, v string)                 { o.add(zap.String(key, v)) }
func (o *objectRecorder) AddTime(key string, v time.Time)         { o.add(zap.Time(key, v)) }
func (o *objectRecorder) AddUint(key string, v uint)              { o.add(zap.Uint(key, v)) }
func (o *objectRecorder) AddUint64(key string, v uint64)          { o.add(zap.Uint64(key, v)) }
func (o *objectRecorder) AddUint32(key string, v uint32)          { o.add(zap.Uint32(key, v)) }
func (o *objectRecorder) AddUint16(key string, v uint16)          { o.add(zap.Uint16(key, v)) }
func (o *objectRecorder) AddUint8(key string, v uint8)            { o.add(zap.Uint8(key, v)) }
func (o *objectRecorder) AddUintptr(key string, v uintptr)        { o.add(zap.Uintptr(key, v)) }
