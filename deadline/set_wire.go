package deadline

// Format is the first field of every set.
const Format = "troth.deadline.set/1"

// The JSON of a set. Fields that are absent are empty here: no field of a set
// has an empty value that means something.
type wireSet struct {
	Format    string         `json:"format"`
	Set       string         `json:"set"`
	Version   int            `json:"version"`
	Title     string         `json:"title"`
	AsOf      string         `json:"as_of"`
	Templates []wireTemplate `json:"templates"`
	Rules     []wireRule     `json:"rules"`
}

// wireTemplate holds what rules that resemble each other share. It has no
// citation: every rule has its own.
type wireTemplate struct {
	Name string `json:"name"`
	wireBody
}

type wireRule struct {
	ID         string `json:"id"`
	Duty       string `json:"duty"`
	Use        string `json:"use"`
	Citation   string `json:"citation"`
	AsOf       string `json:"as_of"`
	Confidence string `json:"confidence"`
	Note       string `json:"note"`
	wireBody
}

// wireBody is what a template may hold and a rule may override.
type wireBody struct {
	Title     string         `json:"title"`
	Kind      string         `json:"kind"`
	Sense     string         `json:"sense"`
	Period    string         `json:"period"`
	Start     []wireStart    `json:"start"`
	FirstDay  string         `json:"first_day"`
	Roll      string         `json:"roll"`
	Calendar  string         `json:"calendar"`
	Extension *wireExtension `json:"extension"`
	Pauses    []wirePause    `json:"pauses"`
	InForce   *wireRange     `json:"in_force"`
	Doubts    []wireDoubt    `json:"doubts"`
}

type wireStart struct {
	Event string `json:"event"`
	Asked string `json:"asked"`
	After string `json:"after"`
}

type wireExtension struct {
	Period string `json:"period"`
	Count  int    `json:"count"`
	Chain  string `json:"chain"`
}

type wirePause struct {
	From string `json:"from"`
	To   string `json:"to"`
	Days string `json:"days"`
}

type wireRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type wireDoubt struct {
	Reading string `json:"reading"`
	Before  string `json:"before"`
	Why     string `json:"why"`
}

// over returns b with what o has in place of it.
func (b wireBody) over(o wireBody) wireBody {
	pick(&b.Title, o.Title)
	pick(&b.Kind, o.Kind)
	pick(&b.Sense, o.Sense)
	pick(&b.Period, o.Period)
	pick(&b.FirstDay, o.FirstDay)
	pick(&b.Roll, o.Roll)
	pick(&b.Calendar, o.Calendar)
	pick(&b.Extension, o.Extension)
	pick(&b.InForce, o.InForce)
	if o.Start != nil {
		b.Start = o.Start
	}
	if o.Pauses != nil {
		b.Pauses = o.Pauses
	}
	if o.Doubts != nil {
		b.Doubts = o.Doubts
	}
	return b
}

func pick[T comparable](b *T, o T) {
	var zero T
	if o != zero {
		*b = o
	}
}
