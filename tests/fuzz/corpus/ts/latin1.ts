@problemName Müller
@classLabel true ä b
@data
1,2:ä
