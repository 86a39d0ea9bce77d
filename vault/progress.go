package vault

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// pace is how fast this process rewraps, and where it is.
type pace struct {
	mu        sync.Mutex
	perSecond float64
	place     RootPlace
}

func (p *pace) note(moved int, took int64) {
	if moved == 0 || took <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.perSecond = float64(moved) / time.Duration(took).Seconds()
}

func (p *pace) last() RootPlace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.place
}

func (p *pace) setLast(at RootPlace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place = at
}

// Progress is how far the move to the newest epoch has come, for all tenants.
type Progress struct {
	// Epoch is the newest one.
	Epoch uint32
	// Tenants are those that are under lower epochs yet, Keys their living keys
	// there.
	Tenants, Keys int64
	// Oldest is the lowest epoch that something lies under; Slowest is the tenant
	// with the most keys there, which holds up the horizon of everybody. Both are
	// zero if nothing is left.
	Oldest  uint32
	Slowest troth.Tenant
	// PerSecond is how many keys this process moved in a second in its latest
	// call of Rewrap or Rotate; 0 if it made none. Left is how long the rest takes
	// at this rate; 0 if that is not known.
	PerSecond float64
	Left      time.Duration
}

// Progress tells how far the move to the newest epoch has come. It counts what
// is left, which takes the longer the more that is.
func (v *Vault) Progress(ctx context.Context) (p Progress, err error) {
	rows, err := v.epochRows(ctx)
	if err != nil || len(rows) == 0 {
		return p, err
	}
	p.Epoch = rows[len(rows)-1].Epoch
	s, err := v.store.Staleness(ctx, p.Epoch)
	if err != nil {
		return p, fmt.Errorf("vault: count stale keys: %w", err)
	}
	p.Tenants, p.Keys, p.Slowest, p.Oldest = s.Tenants, s.Keys, s.Slowest, s.Oldest
	v.pace.mu.Lock()
	p.PerSecond = v.pace.perSecond
	v.pace.mu.Unlock()
	if p.PerSecond > 0 {
		p.Left = time.Duration(float64(p.Keys) / p.PerSecond * float64(time.Second))
	}
	return p, nil
}

// String is the progress in one line.
func (p Progress) String() string {
	if p.Tenants == 0 {
		return fmt.Sprintf("everything is under epoch %d", p.Epoch)
	}
	line := fmt.Sprintf("%d keys of %d tenants are left to move to epoch %d; tenant %q is the slowest, in epoch %d",
		p.Keys, p.Tenants, p.Epoch, p.Slowest, p.Oldest)
	if p.PerSecond > 0 {
		line += fmt.Sprintf("; %.0f keys/s, %v left", p.PerSecond, p.Left.Round(time.Second))
	}
	return line
}
