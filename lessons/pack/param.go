package pack

// Generator draws the value of a parameter. Exactly one field is set.
type Generator struct {
	Int    *IntRange `yaml:"int"`
	Word   bool      `yaml:"word"`   // a short, easily typed word
	Choice []string  `yaml:"choice"` // one of these
	Hash   int       `yaml:"hash"`   // so many hexadecimal digits
}

// IntRange is a whole number from Min to Max, both included.
type IntRange struct {
	Min int `yaml:"min"`
	Max int `yaml:"max"`
}
