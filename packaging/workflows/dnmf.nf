// Nextflow processes for known signatures (refit) and those of a cohort (extract), and a workflow that runs both:
//   nextflow run dnmf.nf --catalogs 'catalogs/*.tsv'
//   nextflow run dnmf.nf --catalogs 'catalogs/*.tsv' -with-docker dnmf      (the image of packaging/Dockerfile)
nextflow.enable.dsl = 2

params.catalogs = 'catalogs/*.tsv'
params.results = 'results'

process DNMF_REFIT {
    tag "${catalog.baseName}"
    cpus 2
    memory '4 GB'
    publishDir "${params.results}/refit", mode: 'copy'

    input:
    path catalog

    output:
    path "${catalog.baseName}"

    script:
    """
    dnmf refit ${catalog} --output ${catalog.baseName} --workers ${task.cpus} --quiet
    """
}

process DNMF_EXTRACT {
    tag "${catalog.baseName}"
    cpus 4
    memory '8 GB'
    publishDir "${params.results}/extract", mode: 'copy'

    input:
    path catalog

    output:
    path "${catalog.baseName}"

    script:
    """
    dnmf extract ${catalog} --output ${catalog.baseName} --workers ${task.cpus} --seed 0 --quiet
    """
}

workflow {
    catalogs = Channel.fromPath(params.catalogs)
    DNMF_REFIT(catalogs)
    DNMF_EXTRACT(catalogs)
}
