package unsubscribe

import (
	"net/http"
	"net/url"
	"slices"
)

// choicePlaces are what the preference page lists: the client's lists, that of the
// message if it is not among them, all of the client's, and everything.
func choicePlaces(k Ticket, n Names) []Place {
	var all []Place
	for _, l := range n.Lists {
		if at := (Place{Tenant: k.Tenant, Scope: List, List: l.ID}); at.Validate() == nil {
			all = append(all, at)
		}
	}
	for _, at := range places(k) {
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// choiceName is how a place is posted: lists under a name of their own, which no
// list can take for a scope.
func choiceName(at Place) (name, value string) {
	if at.Scope == List {
		return listField, at.List
	}
	return scopeField, string(at.Scope)
}

func (p *Pages) showChoices(w http.ResponseWriter, r *http.Request, words *words, k Ticket) {
	stopped, err := p.stopped(r.Context(), k)
	if err != nil {
		p.fail(w, words.localTexts)
		return
	}
	page := words.plain(words.ChoicesTitle, words.ChoicesBack)
	page.Paragraphs, page.After = nil, page.Paragraphs[0]
	page.Form = &pageForm{Many: true, Legend: words.fill(words.ChoicesAsk), Act: actChoices, Button: words.fill(words.ChoicesButton)}
	for _, at := range choicePlaces(k, words.names) {
		name, value := choiceName(at)
		o := pageOption{Name: name, Value: value, Label: words.choice(p, at)}
		if _, is := stopped[at]; is {
			o.Checked, o.Stopped = true, words.ChoicesStopped
		}
		page.Form.Options = append(page.Form.Options, o)
	}
	page.write(w, http.StatusOK)
}

// choice is what a place is called among others: a list by its name alone.
func (w *words) choice(p *Pages, at Place) string {
	if at.Scope == List {
		here := w.naming(p, at.List)
		if !here.known {
			return here.LeaveThisList
		}
		return here.fill("{list}")
	}
	return w.fill(w.label(at.Scope))
}

// choose stops what was ticked, all of it or nothing. The page lets nobody back in:
// the link may have been forwarded with its message.
func (p *Pages) choose(w http.ResponseWriter, r *http.Request, words *words, k Ticket, token string, form url.Values) {
	offered := choicePlaces(k, words.names)
	var ticked []Place
	for _, at := range offered {
		if name, value := choiceName(at); slices.Contains(form[name], value) {
			ticked = append(ticked, at)
		}
	}
	if len(ticked) != len(form[listField])+len(form[scopeField]) {
		p.refuse(w, words.localTexts, http.StatusBadRequest)
		return
	}
	if len(ticked) == 0 {
		words.plain(words.ChoicesTitle, words.ChoicesNone).write(w, http.StatusOK)
		return
	}
	p.stopAll(w, r, words, k, token, ticked)
}
