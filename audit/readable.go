package audit

import (
	"fmt"
	"unicode/utf8"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// readable returns an error for an envelope that would not be read back from raw,
// which encodes it, or not be found by its time: what cannot be read back is no
// evidence. It finds what [ParseEnvelope] would, and looks at what was encoded
// instead of decoding it, which takes a fraction of the time.
func readable(env Envelope, raw []byte) error {
	if len(raw) > MaxEnvelope || !env.fits() || !env.valid() || !env.timed() {
		return fmt.Errorf("audit: record: %w", ErrEnvelope)
	}
	return nil
}

// fits reports whether each field is one that the reader of envelopes takes, apart
// from the rules of valid.
func (e Envelope) fits() bool {
	fields := envelopeFields + actorFields + len(e.Commitments)
	for _, f := range e.Facts {
		fields += 1 + factFields + len(f.Words())
		if !utf8.ValidString(f.Name) || f.Kind() == troth.DigestFact && len(f.Text()) != 32 {
			return false
		}
	}
	return fields <= canon.MaxFields && e.ActVersion <= maxActVersion &&
		(e.Actor.Kind != troth.Person || !e.Actor.Person.IsZero())
}
