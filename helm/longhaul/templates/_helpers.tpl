{{- define "longhaul.name" -}}
{{- printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "longhaul.labels" -}}
app.kubernetes.io/name: longhaul-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "longhaul.selector" -}}
app.kubernetes.io/name: longhaul-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
