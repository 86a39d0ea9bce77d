package vault

import (
	"context"
	"crypto/hmac"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// reconcileMark is the name of the mark that tells how far comparing has come.
const reconcileMark = "reconcile"

// resume goes on from the mark. One that no vault wrote counts for nothing: with
// it a database writer could have what he changed passed over.
func (r *reconciler) resume(ctx context.Context) error {
	mark, err := r.v.store.Mark(ctx, reconcileMark)
	if err != nil {
		return fmt.Errorf("vault: reconcile: read mark: %w", err)
	}
	n := len(mark) - 32
	if n < 0 {
		return nil
	}
	mac, err := r.v.controlMAC(ctx, troth.Platform, mark[:n])
	if err != nil || !hmac.Equal(mac[:], mark[n:]) {
		return err
	}
	w := canon.Walk(mark[:n], markDomain)
	at := place{began: w.Int(), tenant: troth.Tenant(w.Text()), phase: int(w.Uint()), cursor: string(w.Bytes())}
	if w.Done() {
		r.place = at
	}
	return nil
}

// atEnd says that everything was compared: the next call begins anew.
func (p *place) atEnd() bool { return p.tenant == "" && p.phase == len(phases) }

// due reports whether Run should compare some more: the last round is not
// through, or began long enough ago.
func (v *Vault) reconcileDue(ctx context.Context) (bool, error) {
	r := &reconciler{v: v}
	err := r.resume(ctx)
	ago := v.micros() - r.began
	return !r.atEnd() || ago < 0 || ago >= v.opt.reconcile.Microseconds(), err
}

// keep makes the next call go on from here; from the beginning, if this is the
// end.
func (r *reconciler) keep(ctx context.Context) error {
	at := r.place
	if r.report.Complete {
		at = place{began: r.began, phase: len(phases)}
	}
	b := canon.AppendDomain(nil, markDomain)
	b = canon.AppendInt(b, at.began)
	b = canon.AppendText(b, at.tenant)
	b = canon.AppendUint(b, uint64(at.phase))
	b = canon.AppendBytes(b, []byte(at.cursor))
	mac, err := r.v.controlMAC(ctx, troth.Platform, b)
	if err != nil {
		return err
	}
	if err := r.v.store.SetMark(ctx, reconcileMark, append(b, mac[:]...)); err != nil {
		return fmt.Errorf("vault: reconcile: set mark: %w", err)
	}
	return nil
}
