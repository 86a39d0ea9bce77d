package rights

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
)

// ExtensionReason is why an answer comes later. The list is closed: laws name few.
type ExtensionReason string

// The reasons.
const (
	Complexity       ExtensionReason = "complexity"         // GDPR Article 12(3), US states
	NumberOfRequests ExtensionReason = "number-of-requests" // GDPR Article 12(3), US states
	Consultation     ExtensionReason = "consultation"       // PIPEDA s.8(4)(a)(ii)
	Interference     ExtensionReason = "interference"       // PIPEDA s.8(4)(a)(i)
	FormatConversion ExtensionReason = "format-conversion"  // PIPEDA s.8(4)(b)
)

var extensionReasons = []ExtensionReason{Complexity, NumberOfRequests, Consultation, Interference, FormatConversion}

// Extension lets the answer come later.
type Extension struct {
	Tenant  troth.Tenant
	Request string
	Reason  ExtensionReason
	// NoticedAt is when the host told the person of the extension and its reason. Zero
	// leaves telling them to the desk: the extension counts from when they were told.
	NoticedAt time.Time
}

// Extend lets the answer come later by the laws that apply, if at least one of them
// still does: the person must be told, with the reason, inside the first period.
// Otherwise it returns [ErrExtension]. Laws that know no extension go on as they were,
// and may lead.
func (d *Desk) Extend(ctx context.Context, e Extension) (Request, error) {
	if !slices.Contains(extensionReasons, e.Reason) {
		return Request{}, ErrExtension
	}
	return d.change(ctx, e.Tenant, e.Request, func(ctx context.Context, c *change) error {
		at, err := c.past(e.NoticedAt)
		if err != nil {
			return err
		}
		open, err := c.extends(at)
		if err != nil {
			return err
		}
		if !open || !c.q.state.Open() {
			return ErrExtension
		}
		if !e.NoticedAt.IsZero() {
			return c.fire(ctx, Extended, happening{at: at, word: string(e.Reason)})
		}
		told, err := c.write(ctx, draft{
			kind: MessageExtended, then: Extended, word: string(e.Reason), Text: extensionText(c.q.language, e.Reason),
		})
		if err == nil && !told {
			err = needs("WithNotifier and an address, or NoticedAt, to tell of an extension")
		}
		return err
	})
}

// extends reports whether a notice at an instant would make an answer due later.
func (c *change) extends(at int64) (bool, error) {
	before, err := c.d.docket(c.d.clocks.of(c.q), c.q)
	if err != nil {
		return false, err
	}
	with := *c.q
	with.ticks = append(slices.Clone(c.q.ticks), tick{deadline.ExtensionNoticed, at})
	after, err := c.d.docket(c.d.clocks.of(&with), &with)
	if err != nil {
		return false, err
	}
	return extensions(after) > extensions(before), nil
}

func extensions(d deadline.Docket) (n int) {
	for i := range d.Limits {
		n += d.Limits[i].Extended
	}
	return n
}
