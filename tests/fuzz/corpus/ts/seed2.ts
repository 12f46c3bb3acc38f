@classLabel true
@equalLength true
@seriesLength 2
@data
1,2:a
?,3:b
