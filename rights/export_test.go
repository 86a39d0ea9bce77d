package rights

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// Next is the state machine alone.
var Next = next

// Fire has an event happen, as execution does.
func (d *Desk) Fire(ctx context.Context, tenant troth.Tenant, id string, k Kind) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error { return c.fire(ctx, k, happening{}) })
}

// Count sets how much of a request was done.
func (d *Desk) Count(ctx context.Context, tenant troth.Tenant, id string, done, left uint32) error {
	_, err := d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		c.q.done, c.q.left = done, left
		return c.fire(ctx, SourceDone, happening{})
	})
	return err
}

// Oblige opens an obligation, Discharge closes it.
func (d *Desk) Oblige(ctx context.Context, tenant troth.Tenant, id string, o Obligation) error {
	_, err := d.change(ctx, tenant, id, func(ctx context.Context, c *change) error { return c.oblige(ctx, o) })
	return err
}

// Discharge closes an obligation.
func (d *Desk) Discharge(ctx context.Context, tenant troth.Tenant, id, obligation string) error {
	_, err := d.change(ctx, tenant, id, func(ctx context.Context, c *change) error { return c.discharge(ctx, obligation, "done") })
	return err
}

// RefusalTextOf is the text of a refusal in a language.
func RefusalTextOf(language string, f Refusal, r Remedy, part bool) Text {
	return refusalText(language, &f, r, part, time.UTC)
}

// ExtensionTextOf is the text of an extension in a language.
func ExtensionTextOf(language string, r ExtensionReason) Text { return extensionText(language, r) }

// ExtensionReasons are all of them.
func ExtensionReasons() []ExtensionReason { return extensionReasons }

// NewCode makes a code.
var NewCode = newCode

// WithTurnTime sets after how long of a transaction no other source begins in it.
func WithTurnTime(d time.Duration) Option {
	return func(o *options) error { o.turnTime = d; return nil }
}

// WakeNow looks at one thing that waits to be asked, alone.
func (d *Desk) WakeNow(ctx context.Context, key ItemKey) error { return d.wake(ctx, key) }

// RecheckNow asks a source again that is due, alone.
func (d *Desk) RecheckNow(ctx context.Context, key ItemKey) error { return d.recheck(ctx, key) }
