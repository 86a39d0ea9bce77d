package audit

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// quarantine takes rows out of the way of the others, and says so on the trail.
func (t *Trail) quarantine(ctx context.Context, rows []TenantEntry) (moved int, err error) {
	err = t.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		if moved, err = t.store.Quarantine(ctx, rows); err != nil {
			return fmt.Errorf("audit: quarantine: %w", err)
		}
		if moved == 0 {
			return nil
		}
		_, err = t.Record(troth.WithActor(ctx, self), troth.Entry{
			Act: actQuarantine, Tenant: troth.Platform,
			Facts: troth.Facts{"rows": troth.Count(moved)},
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	t.log.Error("rows of the inbox are not evidence", zap.Int("rows", moved))
	return moved, nil
}
