package troth

import (
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// redacted is what a Sensitive value prints as, everywhere.
const redacted = "[sensitive]"

// Sensitive holds a value that must not reach a log, an error or an encoded
// document by accident. No verb of fmt prints it, and neither JSON, XML, gob,
// zap nor slog encodes it; all give a placeholder, also where it stands in an
// unexported field. The value lives in a closure, because fmt reads unexported
// fields by reflection and never calls their methods.
//
// An encoded Sensitive is lost, not leaked: stores reveal it on purpose.
//
// The zero value holds the zero value of T.
type Sensitive[T any] struct {
	reveal func() T
}

// Protect wraps v.
func Protect[T any](v T) Sensitive[T] {
	return Sensitive[T]{reveal: func() T { return v }}
}

// Reveal returns the value. It names a purpose, so that every place that reads
// personal data can be found and says why; the purpose is not recorded here,
// vault.Open does that. It returns an *[IdentifierError] for a purpose that is
// not valid.
func (s Sensitive[T]) Reveal(p Purpose) (T, error) {
	var zero T
	if err := p.Validate(); err != nil {
		return zero, err
	}
	if s.reveal == nil {
		return zero, nil
	}
	return s.reveal(), nil
}

// String returns a placeholder.
func (s Sensitive[T]) String() string { return redacted }

// GoString returns a placeholder.
func (s Sensitive[T]) GoString() string { return redacted }

// Format writes a placeholder for every verb.
func (s Sensitive[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText gives a placeholder to JSON map keys and text encoders.
func (s Sensitive[T]) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON gives a placeholder.
func (s Sensitive[T]) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalXML gives a placeholder.
func (s Sensitive[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(redacted, start)
}

// GobEncode gives a placeholder.
func (s Sensitive[T]) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives a placeholder to slog.
func (s Sensitive[T]) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalLogObject gives a placeholder to zap.
func (s Sensitive[T]) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("value", redacted)
	return nil
}
