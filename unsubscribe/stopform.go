package unsubscribe

import (
	"net/http"
	"time"

	"github.com/trothdev/troth"
)

// formTicket stands in for a link where nobody has one.
func (p *Pages) formTicket(r *http.Request) (Ticket, error) {
	k := Ticket{Tenant: p.c.Home, Channel: Email}
	if p.c.Tenant == nil {
		return k, nil
	}
	var err error
	k.Tenant, err = p.c.Tenant(r)
	return k, err
}

func (p *Pages) showForm(w http.ResponseWriter, r *http.Request, t localTexts) {
	k, err := p.formTicket(r)
	if err != nil {
		p.fail(w, t)
		return
	}
	p.formPage(p.words(t, p.namesOf(r.Context(), k.Tenant, t), ""), k, Place{}, false).write(w, http.StatusOK)
}

func (p *Pages) formPage(w *words, k Ticket, chosen Place, invalid bool) *page {
	page := w.plain(w.StopTitle, w.StopAsk)
	page.Form = &pageForm{
		AddressLabel: w.StopAddress, Legend: w.fill(w.StopScope), Options: scopeOptions(w, places(k)),
		Act: actStop, Button: w.fill(w.StopButton),
	}
	for i, at := range places(k) {
		if chosen != (Place{}) {
			page.Form.Options[i].Checked = at == chosen
		}
	}
	if invalid {
		page.Error, page.Form.Invalid = w.fill(w.StopInvalid), true
	}
	return page
}

// postForm stops messages to an address that somebody types in. It is the same for
// every address that can be one, in what it does, in what it says and, within a
// step, in how long it takes: nobody learns who is written to. It lets anybody stop
// messages to anybody, as a letter or a call would; the limit bounds that.
func (p *Pages) postForm(w http.ResponseWriter, r *http.Request, t localTexts) {
	start := time.Now()
	form, bad := readForm(w, r, p.patience)
	if bad != nil {
		p.refuse(w, t, bad.status)
		return
	}
	if !p.forms.allow(network(p.client(r))) {
		p.tooMany(w, t, formWindow)
		return
	}
	k, err := p.formTicket(r)
	if err != nil {
		p.fail(w, t)
		return
	}
	words := p.words(t, p.namesOf(r.Context(), k.Tenant, t), "")
	at, chosen := placeOf(k, form[scopeField])
	if !chosen || form.Get(actField) != actStop || len(form[addressField]) != 1 {
		p.refuse(w, t, http.StatusBadRequest)
		return
	}
	address := form.Get(addressField)
	if _, err := Normalise(Email, address); err != nil {
		p.formPage(words, k, at, true).write(w, http.StatusUnprocessableEntity)
		return
	}
	_, err = p.c.Registry.OptOut(acting(r.Context()), OptOutParams{
		Tenant: k.Tenant, Channel: k.Channel, Address: troth.Protect(address), Scope: at.Scope, Method: ByForm, Evidence: p.evidence(r),
	})
	waitForStep(r, start, p.pace)
	if err != nil {
		p.fail(w, t)
		return
	}
	words.plain(words.DoneTitle, words.StopDone).write(w, http.StatusOK)
}
