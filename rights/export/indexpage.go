package export

import (
	"html/template"
	"strconv"
)

// indexPage is what index.html shows.
type indexPage struct {
	*texts
	Man     *Manifest
	Title   string
	Intro   string
	Missing []missingLine
	Kept    []keptLine
	Sources []pageSource
	Sheet   bool
}

type missingLine struct{ Source, Text string }

type keptLine struct {
	Source, Type, Field, Reason string
	Count                       uint64
}

type pageSource struct {
	Title, Text string
	Types       []pageTable
}

type pageTable struct {
	Title, Text, Purpose, Category string
	preview
	Table, Lines string
}

func (x *Writer) indexPage() *indexPage {
	t, man := x.texts, &x.man
	p := &indexPage{
		texts: t, Man: man, Title: t.IndexTitle, Sheet: x.c.Sheet != nil,
		Intro: fill(t.IndexIntro, "{controller}", man.Controller, "{date}", man.Created.Format("2006-01-02 15:04 UTC"), "{request}", man.Request),
	}
	titles := make([]string, len(man.Sources))
	for i := range man.Sources {
		s := &man.Sources[i]
		titles[i] = orElse(s.Title, s.Name)
		ps := pageSource{Title: titles[i]}
		reason := fill(t.Because, "{reason}", t.Reasons[s.Reason])
		switch s.Status {
		case Empty:
			ps.Text = t.SourceEmpty
		case Absent:
			ps.Text = t.SourceAbsent + " " + reason
		case Partial:
			ps.Text = t.SourcePartial + " " + reason
		case Complete:
		}
		if s.Reason != "" {
			p.Missing = append(p.Missing, missingLine{ps.Title, ps.Text})
		}
		p.Sources = append(p.Sources, ps)
	}
	for i := range x.pages {
		pt := &x.pages[i]
		r := &pt.report
		table := pageTable{
			Title: orElse(r.Title, r.Name), Purpose: string(r.Purpose), Category: r.Category,
			preview: pt.preview, Table: r.Table, Lines: r.Lines,
			Text: fill(t.Shown, "{shown}", strconv.Itoa(len(pt.preview.Rows)), "{count}", strconv.FormatUint(r.Records, 10)),
		}
		if uint64(len(pt.preview.Rows)) == r.Records && len(r.Columns) <= previewColumns {
			table.Text = fill(t.ShownAll, "{count}", strconv.FormatUint(r.Records, 10))
		}
		p.Sources[pt.source].Types = append(p.Sources[pt.source].Types, table)
		for _, k := range r.Redactions {
			if len(p.Kept) < 1000 { // the manifest has them all
				p.Kept = append(p.Kept, keptLine{titles[pt.source], table.Title, k.Field, t.Reasons[k.Reason], k.Count})
			}
		}
	}
	return p
}

func orElse(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

var indexTemplate = template.Must(template.New("index").Parse(pageHead + `<p>{{.Intro}}</p>
<p>{{if .Sheet}}<a href="information.html">{{.SheetTitle}}</a>{{else}}{{.SheetAbsent}}{{end}}</p>
{{- if .Missing}}
<section class="missing"><h2>{{.MissingTitle}}</h2>
<ul>
{{- range .Missing}}
<li><bdi>{{.Source}}</bdi>: {{.Text}}</li>
{{- end}}
</ul></section>
{{- end}}
{{- if .Kept}}
<section><h2>{{.KeptTitle}}</h2>
<p>{{.KeptIntro}}</p>
<div class="scroll"><table><thead><tr><th scope="col">{{.HeadSource}}</th><th scope="col">{{.HeadType}}</th><th scope="col">{{.HeadField}}</th><th scope="col">{{.HeadReason}}</th><th scope="col">{{.HeadCount}}</th></tr></thead><tbody>
{{- range .Kept}}
<tr><td><bdi>{{.Source}}</bdi></td><td><bdi>{{.Type}}</bdi></td><td><bdi>{{.Field}}</bdi></td><td>{{.Reason}}</td><td>{{.Count}}</td></tr>
{{- end}}
</tbody></table></div></section>
{{- end}}
{{- $head := .HeadID}}{{$purpose := .HeadPurpose}}{{$category := .HeadCategory}}
{{- range .Sources}}
<section><h2><bdi>{{.Title}}</bdi></h2>
{{- if .Text}}
<p>{{.Text}}</p>
{{- end}}
{{- range .Types}}
<h3><bdi>{{.Title}}</bdi></h3>
{{- if .Purpose}}
<p class="soft">{{$purpose}}: <bdi>{{.Purpose}}</bdi></p>
{{- end}}
{{- if .Category}}
<p class="soft">{{$category}}: <bdi>{{.Category}}</bdi></p>
{{- end}}
<p class="soft">{{.Text}} <a href="{{.Table}}">CSV</a> · <a href="{{.Lines}}">JSON Lines</a></p>
{{- if .Rows}}
<div class="scroll"><table><thead><tr><th scope="col">{{$head}}</th>
{{- range .Columns}}<th scope="col"><bdi>{{.}}</bdi></th>{{end}}</tr></thead><tbody>
{{- range .Rows}}
<tr>{{range .}}<td{{if .Note}} class="note"{{end}}>{{if .Link}}<a href="{{.Link}}">{{end}}<bdi>{{range .Pieces}}{{if .Hidden}}<span class="hidden">{{.Text}}</span>{{else}}{{.Text}}{{end}}{{end}}</bdi>{{if .Link}}</a>{{end}}</td>{{end}}</tr>
{{- end}}
</tbody></table></div>
{{- end}}
{{- end}}
</section>
{{- end}}
<section><h2>{{.FilesTitle}}</h2>
<p>{{.FilesText}}</p>
<p><a href="manifest.json">manifest.json</a></p></section>
` + pageFoot))
