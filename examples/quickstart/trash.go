package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// Those who answer for what is kept, and for what is destroyed.
var (
	officer = troth.Actor{Kind: troth.Person, ID: "officer", Roles: []string{"dpo"}}
	counsel = troth.Actor{Kind: troth.Person, ID: "lawyer", Roles: []string{"counsel"}}
	partner = troth.Actor{Kind: troth.Person, ID: "partner", Roles: []string{"counsel"}}
)

// tellTrash moves the keeper's clock on, and shows an order on its way from the trash
// to its end, and the legal hold that stops it.
func (s *story) tellTrash(ctx context.Context) error {
	defer func() { s.ahead = 0 }()
	if err := s.releaseAll(ctx); err != nil { // of a run that was killed
		return err
	}
	key, err := s.order(ctx, shown, "An atlas of birds.")
	if err != nil {
		return err
	}
	err = s.inTx(ctx, func(ctx context.Context, _ *sql.Tx) error {
		return s.kit.Keeper.Happened(ctx, key, retention.Occurrence{Event: "order.trashed"})
	})
	if err != nil {
		return err
	}
	s.say("the privacy policy says that trash is gone within 90 days; policy.yaml: 25 + 28 days, and 30 in backups")
	hold := retention.Hold{
		Tenant: ours, ID: rand.Text(), Matter: "dispute", SubjectID: shown, Class: "order", Review: time.Now().AddDate(1, 0, 0),
	}
	for _, day := range []struct {
		day    int
		before string
		do     func(ctx context.Context) error
		want   string
	}{
		{0, "", nil, "visible to owner"},
		{20, "", nil, "visible to owner"},
		{27, "", nil, "visible to none"},
		{50, "counsel places a legal hold; ", func(ctx context.Context) error {
			return s.kit.Keeper.Place(troth.WithActor(ctx, counsel), hold)
		}, "visible to none"},
		{55, "", nil, "visible to none"},
		{56, "counsel and a second person release the hold; ", s.releaseAll, "nobody, its row is gone"},
	} {
		s.ahead = day.day
		if day.do != nil {
			if err := day.do(ctx); err != nil {
				return err
			}
		}
		if err := s.tellDay(ctx, key, day.before, day.want); err != nil {
			return err
		}
	}
	return s.tellPromises(ctx)
}

// tellPromises prints whether the policy's promises are kept, and what shows it, when the
// order is gone from backups too.
func (s *story) tellPromises(ctx context.Context) error {
	s.ahead = 89
	if _, err := s.kit.Keeper.Tend(ctx); err != nil {
		return err
	}
	report, err := s.kit.Keeper.Report(ctx, time.Time{})
	if err != nil {
		return err
	}
	s.say("day %2d: %v", s.ahead, report)
	return nil
}

// tellDay sweeps, and says who sees the order then, and why.
func (s *story) tellDay(ctx context.Context, key retention.RecordKey, before, want string) error {
	if err := s.sweep(ctx); err != nil {
		return err
	}
	got, err := s.visible(ctx, key)
	if err != nil {
		return err
	}
	if got != want {
		return errors.New("the order is " + got + ", and should be " + want)
	}
	s.say("day %2d: %s%s", s.ahead, before, got)
	d, err := s.kit.Keeper.Record(ctx, key)
	switch {
	case errors.Is(err, retention.ErrNotFound):
		return nil
	case err != nil:
		return err
	case d.Verdict == retention.Blocked:
		s.say("        kept by %s", d.Keep)
	}
	return nil
}

// sweep does what is due. What a run that was killed had in its hands is passed over until
// its lease is over.
func (s *story) sweep(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for {
		swept, err := s.kit.Keeper.Sweep(ctx)
		switch {
		case err != nil:
			return err
		case len(swept.Failed) > 0:
			return swept.Failed[0].Err
		case swept.Passed == 0:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// releaseAll releases every hold: one of counsel proposes, another agrees.
func (s *story) releaseAll(ctx context.Context) error {
	holds, err := s.kit.Keeper.Holds(ctx, ours)
	if err != nil {
		return err
	}
	for _, hold := range holds {
		if err := s.kit.Keeper.ProposeRelease(troth.WithActor(ctx, counsel), ours, hold.ID); err != nil {
			return err
		}
		if err := s.kit.Keeper.Release(troth.WithActor(ctx, partner), ours, hold.ID); err != nil {
			return err
		}
	}
	return nil
}
