package audit

import (
	"context"
	"fmt"
	"time"
)

// Checkpoints are kept all for a day, and one for each hour after that: those
// between lead to the next one anyway.
const (
	keepAll = 24 * time.Hour
	keepOne = time.Hour
	// thinPage is how many are looked at each time.
	thinPage = 200
)

// thinner deletes checkpoints that nobody needs, some at a time, and goes on
// where it stopped.
type thinner struct {
	log  int
	size uint64
}

func (h *thinner) thin(ctx context.Context, store LogSystem, newest CheckpointRow) error {
	if h.log != newest.Log {
		*h = thinner{log: newest.Log}
	}
	rows, err := store.Checkpoints(ctx, h.log, h.size, thinPage)
	if err != nil {
		return fmt.Errorf("audit: thin checkpoints: %w", err)
	}
	before := newest.SignedAt - keepAll.Microseconds()
	hour := keepOne.Microseconds()
	var drop []uint64
	for i := 0; i+1 < len(rows); i++ {
		// One that is dated after the newest was signed by a clock that went wrong:
		// nothing tells its age, and it must not keep the others from being thinned
		// until its date has come.
		if at := rows[i].SignedAt; at >= before && at <= newest.SignedAt {
			break
		}
		// The last of each hour stays.
		if rows[i].SignedAt/hour == rows[i+1].SignedAt/hour {
			drop = append(drop, rows[i].Size)
		}
		h.size = rows[i+1].Size
	}
	if len(drop) == 0 {
		return nil
	}
	if err := store.DropCheckpoints(ctx, h.log, drop); err != nil {
		return fmt.Errorf("audit: thin checkpoints: %w", err)
	}
	return nil
}
