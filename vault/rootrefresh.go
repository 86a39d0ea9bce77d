package vault

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// refreshAhead is which part of its time a root has left when its key is
	// asked again, refreshBeats how often in all that time somebody looks.
	refreshAhead, refreshBeats = 3, 20
)

// refreshes asks tenants' own keys again before what they unwrapped may be used no
// more, so that nobody waits for a key that answers. It never lengthens the time
// that a key which does not answer, or answers something else, has left. Each key
// is asked beside the others, and for one root at a time.
func (v *Vault) refreshes(ctx context.Context) {
	if v.keks.resolver == nil {
		return
	}
	beat := time.NewTicker(v.opt.kekTTL / refreshBeats)
	defer beat.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	for !v.closed.Load() {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			v.refreshDue(ctx, &under)
		}
	}
}

// refreshDue asks the keys of what is due. It does not wait for them.
func (v *Vault) refreshDue(ctx context.Context, under *sync.WaitGroup) {
	for uri, due := range v.roots.due(v.mono(), int64(v.opt.kekTTL)/refreshAhead) {
		g := v.keks.guard(uri, v.opt.cacheRoots)
		if !g.refreshing.CompareAndSwap(false, true) {
			continue
		}
		under.Go(func() {
			defer g.refreshing.Store(false)
			for i := range due {
				if err := v.refresh(ctx, &due[i]); err != nil {
					if ctx.Err() == nil {
						v.log.Warn("vault: a tenant's own key is not renewed yet", zap.Error(err))
					}
					return
				}
			}
		})
	}
}

// refresh asks for one root again. Who needs it meanwhile and may not use it any
// more waits for the same answer.
func (v *Vault) refresh(ctx context.Context, d *dueRoot) error {
	f := v.roots.startRefresh(d)
	if f == nil {
		return nil
	}
	f.err = errAbandoned
	defer v.roots.landOpening(f)
	asked := v.mono()
	box, err := v.unseal(ctx, d.row)
	if err == nil && sha256.Sum256(box) != d.root.box {
		err = v.blame(d.row, ErrKeyRecord)
	}
	clear(box)
	if f.err = err; err != nil {
		return fmt.Errorf("vault: renew root: %w", err)
	}
	f.value = d.root
	v.roots.extend(d, v.goodUntil(d.row, asked))
	return nil
}
