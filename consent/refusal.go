package consent

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

const day = int64(24 * time.Hour / time.Microsecond)

// refuseChild counts, and keeps nothing else.
func (l *Ledger) refuseChild(ctx context.Context, tenant troth.Tenant, drafts []draft) error {
	for i := range drafts {
		if !drafts[i].tooYoung {
			continue
		}
		if err := l.store.CountRefusal(ctx, tenant, drafts[i].event.Purpose, l.micros()/day); err != nil {
			return fmt.Errorf("consent: count refusal: %w", err)
		}
	}
	return nil
}

// Refusals tells on which days how many children were refused, oldest first.
func (l *Ledger) Refusals(ctx context.Context, tenant troth.Tenant, p troth.Purpose) ([]RefusalRow, error) {
	rows, err := l.store.Refusals(ctx, tenant, p)
	if err != nil {
		return nil, fmt.Errorf("consent: read refusals: %w", err)
	}
	return rows, nil
}
