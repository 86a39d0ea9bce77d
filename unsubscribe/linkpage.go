package unsubscribe

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// showLink answers GET and HEAD of a link, and reads nothing but the token where the
// link only stops: programs that open every link of a message cost nothing.
func (p *Pages) showLink(w http.ResponseWriter, r *http.Request, t localTexts, token string) {
	k, err := p.read(r, token)
	if err != nil {
		p.unread(w, t, err)
		return
	}
	words := p.words(t, p.namesOf(r.Context(), k.Tenant, t), k.List)
	switch k.Action {
	case ActionStop:
		p.stopPage(words, k).write(w, http.StatusOK)
	case ActionChoices:
		p.showChoices(w, r, words, k)
	case ActionUndo:
		page := words.plain(t.UndoButton, t.UndoAsk)
		page.Form = &pageForm{Act: actUndo, Button: t.UndoButton}
		page.write(w, http.StatusOK)
	}
}

// unread answers where a token was not read: keys that are away make no link unknown.
func (p *Pages) unread(w http.ResponseWriter, t localTexts, err error) {
	if errors.Is(err, ErrLink) {
		p.unknown(t).write(w, http.StatusNotFound)
		return
	}
	p.fail(w, t)
}

func (p *Pages) stopPage(w *words, k Ticket) *page {
	return &page{Lang: w.Tag, Title: w.fill(w.LeaveTitle), Form: &pageForm{
		Legend: w.fill(w.LeaveAsk), Options: scopeOptions(w, places(k)), Act: actStop, Button: w.fill(w.LeaveButton),
	}}
}

// places are what a link can stop, from narrow to wide.
func places(k Ticket) []Place {
	var all []Place
	if k.List != "" {
		all = append(all, Place{Tenant: k.Tenant, Scope: List, List: k.List})
	}
	return append(all, Place{Tenant: k.Tenant, Scope: Client}, Place{Tenant: k.Tenant, Scope: Everything})
}

// scopeOptions offers places, the narrowest chosen until the person chooses.
func scopeOptions(w *words, all []Place) []pageOption {
	options := make([]pageOption, len(all))
	for i, at := range all {
		options[i] = pageOption{Name: scopeField, Value: string(at.Scope), Label: w.fill(w.label(at.Scope)), Checked: i == 0}
	}
	return options
}

func (w *words) label(s Scope) string {
	switch s {
	case List:
		if !w.known {
			return w.LeaveThisList
		}
		return w.LeaveList
	case Client:
		return w.LeaveSender
	case Everything:
	}
	return w.LeaveEverything
}

func (w *words) done(s Scope) string {
	switch s {
	case List:
		if !w.known {
			return w.DoneThisList
		}
		return w.DoneList
	case Client:
		return w.DoneSender
	case Everything:
	}
	return w.DoneEverything
}

// postLink tells mail programs from people by what is posted, and does what the
// token is for and nothing else.
func (p *Pages) postLink(w http.ResponseWriter, r *http.Request, t localTexts, token string) {
	form, bad := readForm(w, r, p.patience)
	if bad != nil {
		p.refuse(w, t, bad.status)
		return
	}
	if isOneClick(form) {
		p.oneClick(w, r, t, token)
		return
	}
	k, err := p.read(r, token)
	if err != nil {
		p.unread(w, t, err)
		return
	}
	if !p.tokens.allow(hashOf(token)) {
		p.tooMany(w, t, tokenWindow)
		return
	}
	words := p.words(t, p.namesOf(r.Context(), k.Tenant, t), k.List)
	switch act := form[actField]; {
	case len(act) == 1 && act[0] == actStop && k.Action == ActionStop:
		p.stop(w, r, words, k, token, form[scopeField])
	case len(act) == 1 && act[0] == actChoices && k.Action == ActionChoices:
		p.choose(w, r, words, k, token, form)
	case len(act) == 1 && act[0] == actUndo && k.Action == ActionUndo:
		p.undoStop(w, r, words, k, token)
	default:
		p.refuse(w, t, http.StatusBadRequest)
	}
}

// oneClick answers every link alike, also one that is unknown, was posted before or
// is too old to end a newer consent without asking. What could not be recorded is
// said, so that it is posted again.
func (p *Pages) oneClick(w http.ResponseWriter, r *http.Request, t localTexts, token string) {
	k, err := p.read(r, token)
	switch {
	case errors.Is(err, ErrLink):
	case err != nil:
		p.fail(w, t)
		return
	case k.Action != ActionStop:
	case !p.tokens.allow(hashOf(token)):
		p.tooMany(w, t, tokenWindow)
		return
	default:
		_, err := p.optOut(r, k, token, places(k)[0], ByOneClick)
		if err != nil && !errors.Is(err, ErrNewerConsent) {
			p.fail(w, t)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Language", t.Tag)
	_, _ = io.WriteString(w, t.Received+"\n") // nobody can be told
}

// optOut records one act of a link.
func (p *Pages) optOut(r *http.Request, k Ticket, token string, at Place, m Method) (Event, error) {
	ctx := acting(r.Context())
	generation, err := p.c.Registry.Generation(ctx, at, k.Channel, k.Address)
	if err != nil {
		return Event{}, err
	}
	o := OptOutParams{
		ID: eventID(token, m, at, generation), Tenant: k.Tenant, Channel: k.Channel, Address: k.Address,
		Scope: at.Scope, List: at.List, Method: m, Evidence: p.evidence(r),
	}
	if m == ByOneClick {
		o.Link = &Link{Generation: k.Generation, SentAt: k.SentAt}
	}
	e, err := p.c.Registry.OptOut(ctx, o)
	if errors.Is(err, ErrConflict) {
		// Posted twice at once: the other one has written it by now.
		return p.c.Registry.OptOut(ctx, o)
	}
	return e, err
}

// stop does what the button of the page says: the person was asked, so it counts
// whatever they said before.
func (p *Pages) stop(w http.ResponseWriter, r *http.Request, words *words, k Ticket, token string, scope []string) {
	at, ok := placeOf(k, scope)
	if !ok {
		p.refuse(w, words.localTexts, http.StatusBadRequest)
		return
	}
	p.stopAll(w, r, words, k, token, []Place{at})
}

// stopAll opts out of places, of all or of none, and says how to take it back. What
// was stopped before stays so, and has no button.
func (p *Pages) stopAll(w http.ResponseWriter, r *http.Request, words *words, k Ticket, token string, all []Place) {
	before, events, err := p.optOutAll(r, k, token, all)
	if err != nil {
		p.fail(w, words.localTexts)
		return
	}
	page := &page{Lang: words.Tag, Title: words.fill(words.DoneTitle)}
	for i, at := range all {
		here := words.naming(p, at.List)
		page.Paragraphs = append(page.Paragraphs, here.fill(here.done(at.Scope)))
		if was, stood := before[at]; stood && was != events[i].ID {
			continue
		}
		undo, err := p.undoForm(r, k, at, events[i])
		if err != nil {
			continue // it is done, and cannot be undone here
		}
		undo.Button = words.fill(words.UndoButton)
		if len(all) > 1 {
			undo.Label = words.choice(p, at)
		}
		page.UndoAsk, page.Undo = words.fill(words.UndoAsk), append(page.Undo, undo)
	}
	page.Paragraphs = append(page.Paragraphs, words.fill(words.OnTheWay))
	if len(page.Undo) == 0 {
		page.After = words.fill(words.ChoicesBack)
	}
	page.write(w, http.StatusOK)
}

// optOutAll records opt-outs in one transaction, and tells what stood before. They are
// recorded in one order, whatever that of the page is: entries are locked in it.
func (p *Pages) optOutAll(r *http.Request, k Ticket, token string, all []Place) (before map[Place]string, events []Event, err error) {
	if before, err = p.stopped(r.Context(), k); err != nil {
		return nil, nil, err
	}
	err = p.c.Registry.tx.Atomically(r.Context(), func(ctx context.Context) error {
		events = make([]Event, len(all))
		for _, i := range inOrder(all) {
			e, err := p.optOut(r.WithContext(ctx), k, token, all[i], ByPage)
			if err != nil {
				return err
			}
			events[i] = e
		}
		return nil
	})
	return before, events, err
}

// inOrder are the positions of places from wide to narrow, and by the names of lists.
func inOrder(all []Place) []int {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(width[all[b].Scope]-width[all[a].Scope], strings.Compare(all[a].List, all[b].List))
	})
	return order
}

// stopped are the places of a link where something that was said stands, with the
// event that was last.
func (p *Pages) stopped(ctx context.Context, k Ticket) (map[Place]string, error) {
	_, rows, err := p.c.Registry.known(ctx, k.Tenant, k.Channel, k.Address)
	if err != nil {
		return nil, err
	}
	all := make(map[Place]string)
	for i := range rows {
		row := &rows[i]
		if row.Channel != k.Channel || !(row.Live(ReasonOptOut) || row.Live(ReasonImport) || row.Live(ReasonComplaint)) {
			continue
		}
		at := row.Place()
		at.Tenant = k.Tenant
		all[at] = row.Event
	}
	return all, nil
}

// placeOf is the one place that was chosen.
func placeOf(k Ticket, scope []string) (Place, bool) {
	for _, at := range places(k) {
		if len(scope) == 1 && scope[0] == string(at.Scope) {
			return at, true
		}
	}
	return Place{}, false
}

// undoForm makes the link that takes an opt-out back.
func (p *Pages) undoForm(r *http.Request, k Ticket, at Place, event Event) (undoForm, error) {
	k.Action, k.scope, k.List, k.event, k.SentAt = ActionUndo, at.Scope, at.List, event.ID, event.RecordedAt
	token, err := p.c.Links.token(r.Context(), k)
	return undoForm{Token: token}, err
}

// undoStop takes one opt-out back. The registry refuses it when the time is over or
// something was said since, so an old page undoes nothing.
func (p *Pages) undoStop(w http.ResponseWriter, r *http.Request, words *words, k Ticket, token string) {
	_, err := p.c.Registry.OptIn(acting(r.Context()), OptInParams{
		ID: eventID(token, ByUndo, Place{}, 0), Tenant: k.Tenant, Channel: k.Channel, Address: k.Address,
		Scope: k.scope, List: k.List, Method: ByUndo, Reference: k.event, Evidence: p.evidence(r),
	})
	if err == nil {
		err = p.stillUndone(r.Context(), k)
	}
	switch {
	case err == nil:
		text := words.Undone
		if p.c.Registry.toldPeers(r.Context(), k) {
			text = words.UndoneHere
		}
		words.plain(words.UndoneTitle, text).write(w, http.StatusOK)
	case errors.Is(err, ErrEvidence):
		words.plain(words.UndoGoneTitle, words.UndoGone).write(w, http.StatusGone)
	default:
		p.fail(w, words.localTexts)
	}
}

// stillUndone returns ErrEvidence where the person opted out again since: an undo that
// was done before, and is posted again, changes nothing.
func (p *Pages) stillUndone(ctx context.Context, k Ticket) error {
	stopped, err := p.stopped(ctx, k)
	if _, again := stopped[Place{Tenant: k.Tenant, Scope: k.scope, List: k.List}]; again {
		return ErrEvidence
	}
	return err
}

// waitForStep waits until the time since start is a whole number of steps, so that
// how long the work took does not show.
func waitForStep(r *http.Request, start time.Time, step time.Duration) {
	if step <= 0 {
		return
	}
	timer := time.NewTimer(step - time.Since(start)%step)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
