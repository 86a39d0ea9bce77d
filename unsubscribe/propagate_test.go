package unsubscribe_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/unsubscribe"
)

// regProvider is a provider that can fail before and after it acts.
type regProvider struct {
	mu         sync.Mutex
	suppressed map[string]int
	contacts   map[string]bool
	blind      bool // cannot be read
	forgets    bool // says yes and does nothing
	before     error
	after      error
}

func (p *regProvider) act(s unsubscribe.Suppression, fn func(address string)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil {
		return p.before
	}
	address, err := s.Address.Reveal("test")
	if err != nil {
		return err
	}
	if !p.forgets {
		fn(address)
	}
	return p.after
}

func (p *regProvider) Suppress(_ context.Context, s unsubscribe.Suppression) error {
	return p.act(s, func(address string) {
		if p.suppressed == nil {
			p.suppressed = map[string]int{}
		}
		p.suppressed[address]++
	})
}

func (p *regProvider) RemoveContact(_ context.Context, s unsubscribe.Suppression) error {
	return p.act(s, func(address string) { delete(p.contacts, address) })
}

func (p *regProvider) ReadBack(_ context.Context, s unsubscribe.Suppression) (state unsubscribe.ProviderState, err error) {
	if p.blind {
		return state, errors.ErrUnsupported
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil {
		return state, p.before
	}
	address, err := s.Address.Reveal("test")
	return unsubscribe.ProviderState{Suppressed: p.suppressed[address] > 0, HasContact: p.contacts[address]}, err
}

func (w *regWorld) onlyWork() troth.Work {
	w.Helper()
	all := w.queue.Pending("")
	require.Len(w, all, 1)
	return all[0]
}

func (w *regWorld) delivery(e unsubscribe.Event) unsubscribe.DeliveryRow {
	w.Helper()
	rows, err := w.r.Deliveries(w.ctx, regAcme, e.ID)
	require.NoError(w, err)
	require.Len(w, rows, 1)
	return rows[0]
}

func TestPropagation_TellsAndShowsIt(t *testing.T) {
	p := &regProvider{contacts: map[string]bool{regAda: true, "other@example.org": true}}
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", p))
	e := w.optOut(regAda, unsubscribe.Client)
	work := w.onlyWork()
	require.Equal(t, w.clock.Now().Add(48*time.Hour), work.Deadline)
	d := w.delivery(e)
	require.Equal(t, unsubscribe.DeliveryPending, d.State)
	require.Equal(t, unsubscribe.DefaultRule, d.Rule)
	require.Equal(t, work.Deadline.UnixMicro(), d.DueAt)
	outcome, err := w.r.Do(w.ctx, regJob(work, 1))
	require.NoError(t, err)
	require.Equal(t, troth.Completed, outcome)
	require.Equal(t, map[string]int{regAda: 1}, p.suppressed)
	require.Equal(t, map[string]bool{"other@example.org": true}, p.contacts)
	d = w.delivery(e)
	require.Equal(t, unsubscribe.DeliveryTold, d.State)
	require.Equal(t, w.clock.Now().UnixMicro(), d.ToldAt)
	require.Zero(t, d.NextAlarm)
	require.Len(t, w.trail.Of("unsubscribe.told"), 1)
	require.Empty(t, w.trail.Of("unsubscribe.late"))
	h, err := w.r.History(w.ctx, regAcme, unsubscribe.Email, troth.Protect(regAda), "access")
	require.NoError(t, err)
	require.Equal(t, unsubscribe.KindPropagated, h.Events[len(h.Events)-1].Event.Kind)
	// Doing it again does nothing.
	_, err = w.r.Do(w.ctx, regJob(work, 1))
	require.NoError(t, err)
	require.Len(t, w.trail.Of("unsubscribe.told"), 1)
}

func TestPropagation_OnlyWhatSaysNoIsTold(t *testing.T) {
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", &regProvider{}))
	w.optIn(regAda, unsubscribe.Client)
	sms := regOut("+4915112345678", unsubscribe.Client)
	sms.Channel = unsubscribe.SMS
	_, err := w.r.OptOut(w.ctx, sms)
	require.NoError(t, err)
	require.Empty(t, w.queue.Pending(""))
}

func TestPropagation_LostAnswersAreOneEffect(t *testing.T) {
	p := &regProvider{contacts: map[string]bool{regAda: true}, after: errors.New("connection lost with " + regAda)}
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", p))
	e := w.optOut(regAda, unsubscribe.Client)
	work := w.onlyWork()
	for attempt := 1; attempt <= 3; attempt++ {
		outcome, err := w.r.Do(w.ctx, regJob(work, attempt))
		require.Equal(t, troth.Retry, outcome)
		require.ErrorAs(t, err, new(*unsubscribe.ProviderError))
		require.NotContains(t, err.Error(), regAda)
		if attempt == 2 {
			break // the contact is removed now, its answer lost as well
		}
	}
	outcome, err := w.r.Do(w.ctx, regJob(work, 3))
	require.NoError(t, err, "it shows what it has, and nothing is left to be done")
	require.Equal(t, troth.Completed, outcome)
	require.Equal(t, map[string]int{regAda: 1}, p.suppressed)
	require.Len(t, w.trail.Of("unsubscribe.told"), 1)
	require.Equal(t, uint32(3), w.delivery(e).Attempts)
}

func TestPropagation_WhoSaysYesAndDoesNothingIsNotBelieved(t *testing.T) {
	p := &regProvider{forgets: true}
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", p))
	w.optOut(regAda, unsubscribe.Client)
	outcome, err := w.r.Do(w.ctx, regJob(w.onlyWork(), 1))
	require.Equal(t, troth.Retry, outcome)
	told, is := errors.AsType[*unsubscribe.ProviderError](err)
	require.True(t, is)
	require.True(t, told.Unconfirmed)
	p.blind = true // and who cannot show it must be
	outcome, err = w.r.Do(w.ctx, regJob(w.onlyWork(), 2))
	require.NoError(t, err)
	require.Equal(t, troth.Completed, outcome)
}

func TestPropagation_WhoCameBackIsNotTold(t *testing.T) {
	p := &regProvider{contacts: map[string]bool{regAda: true}}
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", p))
	e := w.optOut(regAda, unsubscribe.Client)
	w.clock.Move(time.Minute)
	w.optIn(regAda, unsubscribe.Client)
	outcome, err := w.r.Do(w.ctx, regJob(w.onlyWork(), 1))
	require.NoError(t, err)
	require.Equal(t, troth.Completed, outcome)
	require.Empty(t, p.suppressed)
	require.Equal(t, unsubscribe.DeliveryVoid, w.delivery(e).State)
	require.Empty(t, w.trail.Of("unsubscribe.told"))
}

func TestPropagation_AlarmsAndLateness(t *testing.T) {
	var alarms []unsubscribe.Alarm
	p := &regProvider{before: errors.New("down")}
	opts := []unsubscribe.Option{
		unsubscribe.WithProvider("mailer", p), unsubscribe.WithAlarm(func(a unsubscribe.Alarm) { alarms = append(alarms, a) }),
	}
	w := newRegWorld(t, opts...)
	other := w.open(opts...) // another process sweeps too
	e := w.optOut(regAda, unsubscribe.Client)
	sweep := func(d time.Duration, want ...int) {
		t.Helper()
		alarms = nil
		w.clock.Move(d)
		require.NoError(t, w.r.Sweep(w.ctx))
		require.NoError(t, other.Sweep(w.ctx))
		var got []int
		for _, a := range alarms {
			require.Equal(t, e.ID, a.Event)
			require.Equal(t, "mailer", a.Provider)
			got = append(got, a.Percent)
		}
		require.Equal(t, want, got)
	}
	sweep(24*time.Hour-time.Microsecond, []int(nil)...)
	sweep(time.Microsecond, 50)
	sweep(time.Hour)
	sweep(14*time.Hour, 80)
	require.Empty(t, w.trail.Of("unsubscribe.late"))
	sweep(10*time.Hour, 100)
	sweep(10 * time.Hour)
	require.Len(t, w.trail.Of("unsubscribe.late"), 1)
	p.before = nil
	_, err := w.r.Do(w.ctx, regJob(w.onlyWork(), 9))
	require.NoError(t, err)
	require.Len(t, w.trail.Of("unsubscribe.told"), 1)
	require.Len(t, w.trail.Of("unsubscribe.late"), 1, "lateness is recorded once")
}

// Who is told too late is late, also if nobody swept.
func TestPropagation_LateWithoutASweep(t *testing.T) {
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", &regProvider{}))
	w.optOut(regAda, unsubscribe.Client)
	w.clock.Move(48*time.Hour + time.Microsecond)
	_, err := w.r.Do(w.ctx, regJob(w.onlyWork(), 1))
	require.NoError(t, err)
	require.Len(t, w.trail.Of("unsubscribe.late"), 1)
	require.NoError(t, w.r.Sweep(w.ctx))
	require.Len(t, w.trail.Of("unsubscribe.late"), 1)
}

type regRefusalError struct{ error }

func (regRefusalError) Permanent() bool { return true }

func TestPropagation_ARefusalIsForAPerson(t *testing.T) {
	var alarms []unsubscribe.Alarm
	p := &regProvider{before: regRefusalError{errors.New("no such account")}}
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", p), unsubscribe.WithAlarm(func(a unsubscribe.Alarm) { alarms = append(alarms, a) }))
	e := w.optOut(regAda, unsubscribe.Client)
	outcome, err := w.r.Do(w.ctx, regJob(w.onlyWork(), 1))
	require.Equal(t, troth.Manual, outcome)
	require.ErrorAs(t, err, new(*unsubscribe.ProviderError))
	require.Equal(t, unsubscribe.DeliveryFailed, w.delivery(e).State)
	require.Len(t, alarms, 1)
	require.True(t, alarms[0].Failed)
	w.clock.Move(49 * time.Hour)
	require.NoError(t, w.r.Sweep(w.ctx))
	require.Len(t, w.trail.Of("unsubscribe.late"), 1, "and its time goes on")
	p.before = nil
	outcome, err = w.r.Do(w.ctx, regJob(w.onlyWork(), 2))
	require.NoError(t, err)
	require.Equal(t, troth.Completed, outcome)
	require.Equal(t, unsubscribe.DeliveryTold, w.delivery(e).State)
}

func TestPropagation_TheEarliestRuleCounts(t *testing.T) {
	company, err := unsubscribe.Promise(deadline.Period{Days: 10}, "our privacy policy, section 4", deadline.Date{Year: 2020, Month: 1, Day: 1})
	require.NoError(t, err)
	shipped, err := unsubscribe.Rules("canspam.optout.honour", "casl.optout.honour", "yahoo.optout.honour")
	require.NoError(t, err)
	_, err = unsubscribe.Rules("caloppa.optout.honour")
	require.Error(t, err, "it sets no deadline for opt-outs")
	for name, c := range map[string]struct {
		rules []deadline.Rule
		rule  string
		least time.Duration
		most  time.Duration
	}{
		"promise alone":  {[]deadline.Rule{company}, "promise.optout.honour", 9 * 24 * time.Hour, 10 * 24 * time.Hour},
		"CAN-SPAM first": {shipped[:1], "canspam.optout.honour", 10 * 24 * time.Hour, 16 * 24 * time.Hour},
		"all":            {append(shipped, company), "yahoo.optout.honour", 24 * time.Hour, 48 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRegWorld(t, unsubscribe.WithProvider("mailer", &regProvider{}),
				unsubscribe.WithRules(func(tenant troth.Tenant) []deadline.Rule {
					require.Equal(t, regAcme, tenant)
					return c.rules
				}))
			d := w.delivery(w.optOut(regAda, unsubscribe.Client))
			require.Equal(t, c.rule, d.Rule)
			left := time.UnixMicro(d.DueAt).Sub(w.clock.Now())
			require.GreaterOrEqual(t, left, c.least)
			require.LessOrEqual(t, left, c.most)
		})
	}
}

func TestPropagation_RefusesWorkThatIsNotItsOwn(t *testing.T) {
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", &regProvider{}))
	w.optOut(regAda, unsubscribe.Client)
	good := regJob(w.onlyWork(), 1)
	for what, change := range map[string]func(*troth.Job){
		"kind":    func(j *troth.Job) { j.Kind = "other" },
		"payload": func(j *troth.Job) { j.Payload = []byte("{") },
		"tenant":  func(j *troth.Job) { j.Ref.Tenant = regGlobex },
		"event":   func(j *troth.Job) { j.Payload = []byte(`{"Event":"x","Provider":"mailer","Address":"a@b"}`) },
	} {
		j := good
		change(&j)
		outcome, err := w.r.Do(w.ctx, j)
		require.Equal(t, troth.Failed, outcome, what)
		require.Error(t, err, what)
	}
	none := w.open()
	outcome, err := none.Do(w.ctx, good)
	require.Equal(t, troth.Retry, outcome)
	require.ErrorIs(t, err, unsubscribe.ErrNeeds)
}

// lostEvent is a store in which somebody deleted an event.
type lostEvent struct {
	unsubscribe.Backend
	id string
}

func (s *lostEvent) Event(ctx context.Context, tenant troth.Tenant, id string) (unsubscribe.EventRow, bool, error) {
	if id == s.id {
		return unsubscribe.EventRow{}, false, nil
	}
	return s.Backend.Event(ctx, tenant, id)
}

// TestPropagation_ADeletedEventSilencesNoAlarm: neither its own nor those behind it.
func TestPropagation_ADeletedEventSilencesNoAlarm(t *testing.T) {
	w := newRegWorld(t)
	lost := &lostEvent{Backend: w.store}
	w.store = lost
	var late []string
	w.r = w.open(unsubscribe.WithProvider("mailer", &regProvider{}), unsubscribe.WithAlarm(func(a unsubscribe.Alarm) {
		require.Equal(t, 100, a.Percent)
		late = append(late, a.Event)
	}))
	first := w.optOut(regAda, unsubscribe.Client)
	w.clock.Move(time.Second)
	second := w.optOut("eve@example.org", unsubscribe.Client)
	lost.id = first.ID
	w.clock.Move(49 * time.Hour)
	require.NoError(t, w.r.Sweep(w.ctx))
	require.NoError(t, w.r.Sweep(w.ctx))
	require.Equal(t, []string{first.ID, second.ID}, late)
	require.Len(t, w.trail.Of("unsubscribe.late"), 1)
}

type regBusyError struct{ after time.Duration }

func (regBusyError) Error() string { return "busy" }

func (e regBusyError) RetryIn() (time.Duration, bool) { return e.after, e.after != 0 }

// A provider that asks to be left alone is, but for no more than half of what is left of
// the time.
func TestPropagation_AProviderIsLeftAloneAsFarAsTheDeadlineAllows(t *testing.T) {
	p := &regProvider{}
	w := newRegWorld(t, unsubscribe.WithProvider("mailer", p))
	w.optOut(regAda, unsubscribe.Client)
	work := w.onlyWork()
	for _, one := range []struct{ passed, asks, want time.Duration }{
		{0, 0, 0},
		{0, -time.Minute, 0},
		{0, 10 * time.Minute, 10 * time.Minute},
		{0, 100 * 24 * time.Hour, 24 * time.Hour},
		{47 * time.Hour, 2 * time.Hour, 30 * time.Minute},
		{2 * time.Hour, 2 * time.Hour, time.Hour}, // over
		{0, time.Minute, time.Minute},
	} {
		w.clock.Move(one.passed)
		p.before = regBusyError{one.asks}
		outcome, err := w.r.Do(w.ctx, regJob(work, 2))
		require.Equal(t, troth.Retry, outcome)
		failed, is := errors.AsType[*unsubscribe.ProviderError](err)
		require.True(t, is)
		after, says := failed.RetryIn()
		require.Equal(t, one.want, after)
		require.Equal(t, one.want > 0, says)
	}
}
