package export

import (
	"html/template"
	"slices"
)

// sheetPage is what information.html shows.
type sheetPage struct {
	*texts
	Man   *Manifest
	Sheet *Sheet
}

// Title is the page's.
func (p *sheetPage) Title() string { return p.SheetTitle }

// Part is the heading of a part.
func (p *sheetPage) Part(part SheetPart) string { return p.Parts[part] }

// Lacks reports whether a part is declared to be missing.
func (p *sheetPage) Lacks(part SheetPart) bool { return slices.Contains(p.Sheet.Lacks, part) }

var sheetTemplate = template.Must(template.New("sheet").Parse(pageHead + `<p>{{.SheetIntro}}</p>
{{- define "lacks"}}<p class="missing">{{.}}</p>{{end}}
{{- define "contact"}}<p><bdi>{{.Name}}</bdi>{{if .Address}}<br><bdi>{{.Address}}</bdi>{{end}}</p>{{end}}
<section><h2>{{.Part "controller"}}</h2>
{{- if .Lacks "controller"}}{{template "lacks" .SheetLacks}}{{else}}{{template "contact" .Sheet.Controller}}{{end}}
{{- if .Sheet.Officer.Name}}<h3>{{.Officer}}</h3>{{template "contact" .Sheet.Officer}}{{end}}
</section>
<section><h2>{{.Part "purposes"}}</h2>
{{- if .Lacks "purposes"}}{{template "lacks" .SheetLacks}}{{else}}<ul>
{{- range .Sheet.Purposes}}
<li><bdi>{{.Title}}</bdi>{{if .Basis}} (<bdi>{{.Basis}}</bdi>){{end}}</li>
{{- end}}
</ul>{{end}}</section>
<section><h2>{{.Part "categories"}}</h2>
{{- if .Lacks "categories"}}{{template "lacks" .SheetLacks}}{{else}}<ul>
{{- range .Sheet.Categories}}
<li><bdi>{{.}}</bdi></li>
{{- end}}
</ul>{{end}}</section>
<section><h2>{{.Part "recipients"}}</h2>
{{- if .Lacks "recipients"}}{{template "lacks" .SheetLacks}}{{else if .Sheet.Recipients.None}}<p>{{.RecipientsNone}}</p>{{else}}<ul>
{{- range .Sheet.Recipients.List}}
<li><bdi>{{.Name}}</bdi>{{if .Country}} (<bdi>{{.Country}}</bdi>){{end}}{{if .What}}: <bdi>{{.What}}</bdi>{{end}}</li>
{{- end}}
</ul>{{end}}</section>
<section><h2>{{.Part "storage"}}</h2>
{{- if .Lacks "storage"}}{{template "lacks" .SheetLacks}}{{else}}<dl>
{{- range .Sheet.Storage}}
<dt><bdi>{{.Of}}</bdi></dt><dd><bdi>{{.For}}</bdi></dd>
{{- end}}
</dl>{{end}}</section>
<section><h2>{{.Part "rights"}}</h2>
<p>{{.RightsText}}</p>
{{- if .Lacks "rights"}}{{template "lacks" .SheetLacks}}{{else}}{{template "contact" .Sheet.Rights}}{{end}}
</section>
<section><h2>{{.Part "authority"}}</h2>
<p>{{.AuthorityText}}</p>
{{- if .Lacks "authority"}}{{template "lacks" .SheetLacks}}{{else}}{{template "contact" .Sheet.Authority}}{{end}}
</section>
<section><h2>{{.Part "origins"}}</h2>
{{- if .Lacks "origins"}}{{template "lacks" .SheetLacks}}{{else if .Sheet.Origins.None}}<p>{{.OriginsNone}}</p>{{else}}<dl>
{{- range .Sheet.Origins.List}}
<dt><bdi>{{.Of}}</bdi></dt><dd><bdi>{{.From}}</bdi></dd>
{{- end}}
</dl>{{end}}</section>
<section><h2>{{.Part "automated"}}</h2>
{{- if .Lacks "automated"}}{{template "lacks" .SheetLacks}}{{else if .Sheet.Automated.None}}<p>{{.AutomatedNone}}</p>{{else}}<dl>
{{- range .Sheet.Automated.List}}
<dt><bdi>{{.What}}</bdi></dt><dd><bdi>{{.Logic}}</bdi></dd><dd><bdi>{{.Consequences}}</bdi></dd>
{{- end}}
</dl>{{end}}</section>
<section><h2>{{.Part "transfers"}}</h2>
{{- if .Lacks "transfers"}}{{template "lacks" .SheetLacks}}{{else if .Sheet.Transfers.None}}<p>{{.TransfersNone}}</p>{{else}}<dl>
{{- range .Sheet.Transfers.List}}
<dt><bdi>{{.To}}</bdi></dt><dd><bdi>{{.Safeguard}}</bdi></dd>
{{- end}}
</dl>{{end}}</section>
<p><a href="index.html">{{.IndexTitle}}</a></p>
` + pageFoot))
